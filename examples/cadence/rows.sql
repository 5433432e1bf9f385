INSERT INTO people VALUES
    ('P-01', 'Alice Johnson', 'Team Lead', 'alice@example.com', 'Avionics', TRUE, '2026-11-02 09:00:00'),
    ('P-02', 'Bruno Keller', 'Engineer', 'bruno@example.com', 'Power', TRUE, '2026-11-02 09:00:00'),
    ('P-03', 'Chiara Neri', 'Engineer', 'chiara@example.com', 'Structures', TRUE, '2026-11-03 10:30:00'),
    ('P-04', 'Daniel Osei', 'Engineer', 'daniel@example.com', 'Avionics', TRUE, '2026-11-03 10:30:00'),
    ('P-05', 'Emre Yilmaz', 'Team Lead', 'emre@example.com', 'Power', TRUE, '2026-11-04 08:15:00'),
    ('P-06', 'Freya Lund', 'Mentor', 'freya@example.com', NULL, TRUE, '2026-11-04 08:15:00'),
    ('P-07', 'Goran Petrov', 'Engineer', 'goran@example.com', 'Ground', TRUE, '2026-11-05 14:00:00'),
    ('P-08', 'Hana Sato', 'Engineer', 'hana@example.com', 'Ground', TRUE, '2026-11-05 14:00:00'),
    ('P-09', 'Ines Moreau', 'Student', NULL, 'Structures', TRUE, '2026-11-06 16:45:00'),
    ('P-10', 'Jonas Weiss', 'Student', NULL, 'Power', FALSE, '2026-11-06 16:45:00');

INSERT INTO projects VALUES
    ('M-AVI-1', 'Flight computer bring-up', 'Running', 'Avionics', 'P-01', '2026-09-01', 4200.50, '2026-11-07 09:00:00'),
    ('M-AVI-2', 'Telemetry format', 'Finished', 'Avionics', 'P-04', '2026-06-15', 0.00, '2026-10-01 09:00:00'),
    ('M-POW-1', 'Battery pack', 'Running', 'Power', 'P-05', '2026-08-20', 3100.00, '2026-11-07 09:00:00'),
    ('M-POW-2', 'Solar panel hinges', 'Idea', 'Power', 'P-02', NULL, NULL, '2026-11-07 09:00:00'),
    ('M-STR-1', 'Frame, second print', 'Running', 'Structures', 'P-03', '2026-10-05', 780.25, '2026-11-08 12:00:00'),
    ('M-GND-1', 'Ground station antenna', 'Paused', 'Ground', 'P-07', '2026-07-01', 1900.00, '2026-11-08 12:00:00');

INSERT INTO tasks VALUES
    (101, 'Solder the debug header', 'work', 'Done', 'Low', 'P-04', 'M-AVI-1', NULL, '2026-10-02', '2026-10-02 17:00:00'),
    (102, 'Boot from the second image', 'work', 'In progress', 'High', 'P-01', 'M-AVI-1', 101, '2026-11-25', '2026-11-09 09:00:00'),
    (103, 'Watchdog that survives a brown-out', 'work', 'Not started', 'High', 'P-04', 'M-AVI-1', 102, '2026-12-04', '2026-11-09 09:00:00'),
    (104, 'Write down the packet header', 'work', 'Done', 'Middle', 'P-04', 'M-AVI-2', NULL, '2026-07-10', '2026-07-10 12:00:00'),
    (105, 'Cell matching', 'work', 'Done', 'Middle', 'P-02', 'M-POW-1', NULL, '2026-09-30', '2026-09-30 12:00:00'),
    (106, 'Charge curve at minus ten degrees', 'work', 'In progress', 'High', 'P-05', 'M-POW-1', 105, '2026-11-28', '2026-11-10 09:00:00'),
    (107, 'Hinge with fewer parts', 'work', 'Not started', 'Low', 'P-02', 'M-POW-2', NULL, NULL, '2026-11-10 09:00:00'),
    (108, 'Print the side panels', 'work', 'In progress', 'Middle', 'P-03', 'M-STR-1', NULL, '2026-11-22', '2026-11-11 09:00:00'),
    (109, 'Shake table booking', 'work', 'Not started', 'Middle', 'P-09', 'M-STR-1', 108, '2026-12-10', '2026-11-11 09:00:00'),
    (110, 'Rotator cable', 'work', 'Not started', 'Low', 'P-08', 'M-GND-1', NULL, NULL, '2026-11-11 09:00:00'),
    (201, 'Power bus on the flight computer', 'integration', 'In progress', 'High', 'P-05', 'M-POW-1', 106, '2026-12-15', '2026-11-12 09:00:00'),
    (202, 'Flight computer in the frame', 'integration', 'Not started', 'High', 'P-01', 'M-AVI-1', 201, '2026-12-18', '2026-11-12 09:00:00'),
    (203, 'First packet to the ground station', 'integration', 'Not started', 'High', 'P-07', 'M-GND-1', 202, '2026-12-20', '2026-11-12 09:00:00');

-- Two tasks that wait for each other: a circle of relations.
UPDATE tasks SET blocked_by = 203 WHERE id = 201;

INSERT INTO meetings VALUES
    ('R-1', 'Preliminary design review', 'Review', '2026-06-03 14:00:00', '["P-01", "P-05", "P-06"]', '## Decided

- The frame is printed, not milled.
- The battery has *six* cells.

## Open

1. Who owns the antenna?
2. Two weeks of slack, or three?', '2026-06-03 18:00:00'),
    ('R-2', 'Critical design review', 'Review', '2026-09-16 14:00:00', '["P-01", "P-03", "P-05", "P-06", "P-07"]', '## Decided

The telemetry format is frozen: `v1`, little endian.', '2026-09-16 18:00:00'),
    ('W-44', 'Weekly, week 44', 'Weekly', '2026-10-29 17:00:00', '["P-01", "P-02", "P-03", "P-04"]', NULL, '2026-10-29 18:00:00'),
    ('W-45', 'Weekly, week 45', 'Weekly', '2026-11-05 17:00:00', '["P-01", "P-02", "P-05"]', 'Short: everybody was at the oven.', '2026-11-05 18:00:00'),
    ('R-3', 'Flight readiness review', 'Review', '2027-02-03 14:00:00', NULL, NULL, '2026-11-12 09:00:00');

INSERT INTO documents VALUES
    ('D-001', 'Frame material', 'https://files.example.com/decisions/frame.pdf', 'decision', 'Structures', '["material", "frame"]', 182044, '2026-06-04 09:00:00'),
    ('D-002', 'Telemetry format v1', 'https://files.example.com/decisions/telemetry.pdf', 'decision', 'Avionics', '["telemetry"]', 92117, '2026-09-17 09:00:00'),
    ('D-003', 'Battery cells', 'https://files.example.com/decisions/cells.pdf', 'decision', 'Power', '["battery"]', 240512, '2026-06-04 09:00:00'),
    ('D-004', 'Antenna: dish or yagi', 'https://files.example.com/drafts/antenna.pdf', 'draft', 'Ground', NULL, 55120, '2026-11-01 09:00:00'),
    ('D-005', 'Vibration levels', 'https://files.example.com/reports/vibration.pdf', 'report', 'Structures', '["test", "frame"]', 1048576, '2026-11-10 09:00:00'),
    ('D-006', 'Cold chamber log', 'https://files.example.com/reports/cold.csv', 'report', 'Power', '["test", "battery"]', 733, '2026-11-11 09:00:00');
