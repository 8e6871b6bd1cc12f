"""What a trained stack is measured by."""
