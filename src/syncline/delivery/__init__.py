"""TELLS: signed webhooks, rules, alerts and mail, from the change sequence and the event log."""
