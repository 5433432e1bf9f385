-- The five tables of the example, for SQLite and PostgreSQL alike.

CREATE TABLE people (
    person_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT,
    email TEXT,
    subsystem TEXT,
    active BOOLEAN NOT NULL,
    updated_at TIMESTAMP NOT NULL
);

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    status TEXT,
    subsystem TEXT,
    owner_id TEXT REFERENCES people (person_id),
    starts DATE,
    budget NUMERIC(10, 2),
    updated_at TIMESTAMP NOT NULL
);

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT,
    priority TEXT,
    assignee_id TEXT REFERENCES people (person_id),
    project_id TEXT REFERENCES projects (id),
    blocked_by INTEGER REFERENCES tasks (id),
    due DATE,
    updated_at TIMESTAMP NOT NULL
);

CREATE TABLE meetings (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    kind TEXT,
    held_at TIMESTAMP,
    attendees TEXT,
    minutes TEXT,
    updated_at TIMESTAMP NOT NULL
);

CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    url TEXT NOT NULL,
    category TEXT NOT NULL,
    subsystem TEXT,
    tags TEXT,
    bytes INTEGER,
    updated_at TIMESTAMP NOT NULL
);
