"""TIES tables to Notion databases: the mapping file, push, two-way merge and typed import."""
