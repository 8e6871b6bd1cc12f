"""Ray clusters: where a launch trains, and how it is sent there as a job."""
