"""Rows of records that are made up."""


def rows_of(trial_ids, commit_id, status="finished", **columns):
    return [{"trial_id": t, "commit_id": commit_id, "status": status, "attempt": 1} | columns for t in trial_ids]


def curves_of(trial_ids, commit_id):
    return [{"trial_id": t, "commit_id": commit_id, "stage": "vae", "step": s} for t in trial_ids for s in (0, 9)]
