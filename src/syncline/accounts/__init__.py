"""ADMITS: users, sessions, keys, members, and how a workspace of Notion is joined by OAuth."""
