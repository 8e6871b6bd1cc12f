"""Run: packs on workers, in rounds; failures traced to the guilty trial."""
