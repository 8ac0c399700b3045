"""Whoever signs in, beside the operator whose key is `running.ADMIN_KEY`."""

ALICE_KEY = "alice-key-for-tests-1234567890"
BOB_KEY = "bob-key-for-tests-12345678901234"
VIEWER_KEY = "viewer-key-for-tests-1234567890"
