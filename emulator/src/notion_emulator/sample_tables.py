"""The databases of the sample workspace: schemas and rows of People, Projects, Tasks, Meetings and the Handbook."""

from typing import Any

__all__ = ["MEETING_ROWS", "PEOPLE", "PROJECT_ROWS", "SCHEMAS", "TASKS", "option"]

Json = dict[str, Any]


def option(place: int, name: str, color: str = "default") -> Json:
    """An option of a select, multi-select or status property; its id is made of its place."""
    return {"id": f"op{place:02d}", "name": name, "color": color, "description": None}


def _options(*named: tuple[str, str]) -> Json:
    return {"options": [option(place, name, color) for place, (name, color) in enumerate(named, 1)]}


def _status(*named: tuple[str, str, str]) -> Json:
    """Options with their groups, of (name, colour, group)."""
    options = [option(place, name, color) for place, (name, color, _) in enumerate(named, 1)]
    groups = [
        {"id": f"gr{place}", "name": group, "color": color,
         "option_ids": [one["id"] for one, (_, _, held) in zip(options, named, strict=True) if held == group]}
        for place, (group, color) in enumerate((("To-do", "gray"), ("In progress", "blue"), ("Complete", "green")), 1)
    ]  # fmt: skip
    return {"options": options, "groups": groups}


TEAMS = _options(("Yard", "brown"), ("Workshop", "orange"), ("Bench", "blue"), ("Harbour", "green"))
STAGES = _status(
    ("Idea", "default", "To-do"), ("Paused", "yellow", "To-do"), ("Running", "blue", "In progress"),
    ("Testing", "purple", "In progress"), ("Finished", "green", "Complete"),
)  # fmt: skip
STATES = _status(
    ("Not started", "default", "To-do"), ("In progress", "blue", "In progress"), ("Done", "green", "Complete")
)
PRIORITIES = _options(("High", "red"), ("Middle", "yellow"), ("Low", "gray"))
TAGS = _options(
    ("Light", "yellow"), ("Metal", "brown"), ("Firmware", "blue"), ("Customers", "green"), ("Yard", "gray")
)
KINDS = _options(("Making", "orange"), ("Mending", "brown"), ("Paper", "gray"))
ROUNDS = _options(("Weekly", "blue"), ("Review", "purple"), ("Outside", "green"))

# (id, name, type, config); "dual" and "rollup" configs name the other side and are completed by sample.
SCHEMAS: dict[str, list[tuple[str, str, str, Any]]] = {
    "People": [
        ("title", "Name", "title", {}),
        ("Ro:l", "Role", "rich_text", {}),
        ("tEm}", "Team", "select", TEAMS),
        ("mAil", "Email", "email", {}),
        ("fOne", "Phone", "phone_number", {}),
        ("Acc_", "Account", "people", {}),
        ("Sinc", "Since", "date", {}),
        ("kEy;", "Has a key", "checkbox", {}),
        ("siTe", "Page", "url", {}),
        ("dEsk", "Place", "place", {}),
        ("pIct", "Picture", "files", {}),
        ("pRjs", "Projects", "dual", ("Projects", "tEaM", "Team")),
    ],
    "Projects": [
        ("title", "Project", "title", {}),
        ("stGe", "Stage", "status", STAGES),
        ("pRio", "Priority", "select", PRIORITIES),
        ("tAgs", "Tags", "multi_select", TAGS),
        ("oWn%", "Owner", "people", {}),
        ("wHen", "When", "date", {}),
        ("bUdg", "Budget", "number", {"format": "euro"}),
        ("sPnt", "Spent", "number", {"format": "euro"}),
        ("lEft", "Left", "formula", {"expression": 'prop("Budget") - prop("Spent")'}),
        ("tEaM", "Team", "dual", ("People", "pRjs", "Projects")),
        ("tAsk", "Tasks", "dual", ("Tasks", "pRoj", "Project")),
        ("cNt1", "Number of tasks", "rollup", ("tAsk", "Tasks", "title", "Task", "count")),
        ("pRog", "Progress", "rollup", ("tAsk", "Tasks", "dOne", "Done", "percent_checked")),
        ("hOur", "Hours", "rollup", ("tAsk", "Tasks", "eFfo", "Hours", "sum")),
        ("nExt", "Next due", "rollup", ("tAsk", "Tasks", "dUe_", "Due", "earliest_date")),
        ("bRie", "Papers", "files", {}),
        ("nUmb", "Number", "unique_id", {"prefix": "PRJ"}),
        ("aSk!", "Ask for news", "button", {}),
        ("cR8d", "Created", "created_time", {}),
        ("cRby", "Created by", "created_by", {}),
    ],
    "Tasks": [
        ("title", "Task", "title", {}),
        ("dOne", "Done", "checkbox", {}),
        ("sTat", "Status", "status", STATES),
        ("dUe_", "Due", "date", {}),
        ("wHo?", "Who", "people", {}),
        ("pRoj", "Project", "dual", ("Projects", "tAsk", "Tasks")),
        ("eFfo", "Hours", "number", {"format": "number"}),
        ("kInd", "Kind", "select", KINDS),
        ("nOte", "Remark", "rich_text", {}),
        ("lAte", "Sentence", "formula", {"expression": 'if(prop("Done"), "done", "to do")'}),
        ("nUmb", "Number", "unique_id", {"prefix": "T"}),
        ("eDit", "Edited", "last_edited_time", {}),
        ("eDby", "Edited by", "last_edited_by", {}),
    ],
    "Meetings": [
        ("title", "Meeting", "title", {}),
        ("dAte", "Date", "date", {}),
        ("kInd", "Kind", "select", ROUNDS),
        ("aTtd", "Attendees", "people", {}),
        ("dEci", "Decisions", "rich_text", {}),
        ("rEco", "Minutes", "files", {}),
    ],
    "Handbook": [
        ("title", "Page", "title", {}),
        ("verification", "Verification", "verification", {}),
        ("verification_owner", "Owner", "people", {}),
        (
            "tAgs",
            "Tags",
            "multi_select",
            _options(("Start", "green"), ("Rules", "red"), ("Custom", "yellow")),
        ),
    ],
}

# name, role, team, e-mail, since, has a key, account
PEOPLE: list[tuple[str, str, str, str, str, bool]] = [
    ("Iris Vale", "Founder, draws the lanterns", "Yard", "iris", "2014-03-01", True),
    ("Tomas Reed", "Workshop lead, keeps the kiln", "Workshop", "tomas", "2015-09-01", True),
    ("Nadia Quill", "Engineering lead", "Bench", "nadia", "2017-01-09", True),
    ("Oskar Lind", "Electronics", "Bench", "oskar", "2018-04-16", True),
    ("Bea Thorne", "Operations, keeps everything else", "Yard", "bea", "2016-06-01", True),
    ("Julian Mabey", "Customers and the van", "Harbour", "julian", "2019-02-11", False),
    ("Sanna Holt", "Glass and paint", "Workshop", "sanna", "2020-08-24", True),
    ("Emeka Dove", "Firmware", "Bench", "emeka", "2022-05-02", False),
]

# name, stage, priority, tags, owner, start, end, budget, spent, team
PROJECT_ROWS: list[tuple[str, str, str, tuple[str, ...], str, str, str | None, int, int, tuple[str, ...]]] = [
    ("Sandholm pier light", "Running", "High", ("Light", "Customers"), "Tomas", "2026-05-04", "2026-10-30", 24000, 9150,
     ("Tomas", "Oskar", "Julian", "Sanna")),
    ("Ten-day repairs", "Running", "High", ("Yard", "Customers"), "Bea", "2026-04-01", "2026-09-30", 3000, 640,
     ("Bea", "Julian")),
    ("Driver board D", "Testing", "Middle", ("Firmware",), "Oskar", "2026-03-02", "2026-07-31", 8500, 7720,
     ("Oskar", "Emeka", "Nadia")),
    ("Quiet fog horn", "Running", "Low", ("Metal",), "Nadia", "2026-02-16", None, 4000, 2890, ("Nadia", "Tomas")),
    ("Spare parts online", "Running", "Middle", ("Customers",), "Julian", "2026-06-01", "2026-08-31", 1500, 200,
     ("Julian", "Iris")),
    ("Apprentice bench", "Finished", "Middle", ("Yard",), "Tomas", "2026-05-18", "2026-06-26", 1800, 1765, ("Tomas",)),
    ("Solar trickle charger", "Paused", "Low", ("Light", "Firmware"), "Emeka", "2026-01-12", None, 5000, 310,
     ("Emeka",)),
    ("New paint for series B", "Idea", "Middle", (), "Sanna", "2026-06-15", "2026-11-15", 900, 0, ("Sanna", "Iris")),
]  # fmt: skip

# name, project, who, due, hours, kind, done, remark
TASKS: list[tuple[str, str | None, str | None, str | None, float | None, str, bool, str]] = [
    ("Order the Sandholm glass", "Sandholm pier light", "Sanna", "2026-07-24", 1, "Paper", False, "Two panes and a spare"),
    ("Fill the bubble in the casting", "Sandholm pier light", "Tomas", "2026-07-10", 4, "Making", True, ""),
    ("Wire the mast", "Sandholm pier light", "Oskar", "2026-08-21", 12, "Making", False, "Bring the long drill"),
    ("Load the Fl(2) 10s rhythm", "Sandholm pier light", "Emeka", "2026-08-28", 2, "Making", False, ""),
    ("Tell the harbour master the dates", "Sandholm pier light", "Julian", "2026-07-17", 0.5, "Paper", True, "Before ten"),
    ("Photograph each parcel on arrival", "Ten-day repairs", "Bea", "2026-07-15", 3, "Mending", True, ""),
    ("Build the week shelf", "Ten-day repairs", "Tomas", "2026-07-31", 10, "Making", False, "Deeper than drawn"),
    ("Offer within one day: template", "Ten-day repairs", "Julian", "2026-07-20", 2, "Paper", False, ""),
    ("Measure the median again", "Ten-day repairs", "Bea", "2026-09-28", 1, "Paper", False, ""),
    ("Test sixty boards", "Driver board D", "Oskar", "2026-07-06", 9, "Making", True, "Two dead on arrival"),
    ("Find out why two are dead", "Driver board D", "Oskar", "2026-07-22", 5, "Mending", False, "Same reel?"),
    ("Write down the test procedure", "Driver board D", "Nadia", "2026-07-29", 3, "Paper", False, ""),
    ("Headlight filter in 2.4", "Driver board D", "Emeka", "2026-05-08", 14, "Making", True, ""),
    ("Horn: larger bell", "Quiet fog horn", "Tomas", "2026-08-14", 8, "Making", False, ""),
    ("Horn: ask the neighbours", "Quiet fog horn", "Nadia", "2026-08-17", 2, "Paper", False, "Bring cake"),
    ("Photograph forty spare parts", "Spare parts online", "Julian", "2026-07-31", 6, "Paper", False, "Half done"),
    ("Prices for forty spare parts", "Spare parts online", "Iris", "2026-08-07", 4, "Paper", False, ""),
    ("Hang up the lamp over the bench", "Apprentice bench", "Tomas", "2026-06-19", 1, "Making", True, ""),
    ("Sweep under the bench", "Apprentice bench", "Tomas", "2026-06-26", 0.5, "Making", True, ""),
    ("Find the charger notes", "Solar trickle charger", "Emeka", None, None, "Paper", False, "Under the kettle?"),
    ("Take candidates 1 and 4 down", "New paint for series B", "Sanna", "2026-07-03", 0.5, "Mending", True, ""),
    ("Label the string drawer", None, "Nadia", "2026-07-07", 0.5, "Paper", True, "It holds the backup disk"),
    ("New thermostat for the kiln", None, "Tomas", "2026-07-13", 2, "Mending", True, ""),
    ("Buy mugs", None, None, None, None, "Paper", False, ""),
]  # fmt: skip

# name, start with offset, end, kind, attendees, decisions
MEETING_ROWS: list[tuple[str, str, str | None, str, tuple[str, ...], str]] = [
    ("Weekly round, 6 July", "2026-07-06T09:00:00.000+02:00", "2026-07-06T09:30:00.000+02:00", "Weekly",
     ("Iris", "Tomas", "Nadia", "Oskar", "Bea", "Julian", "Sanna", "Emeka"), "Fill the bubble. No discount."),
    ("Weekly round, 13 July", "2026-07-13T09:00:00.000+02:00", "2026-07-13T09:30:00.000+02:00", "Weekly",
     ("Iris", "Tomas", "Oskar", "Bea", "Julian", "Emeka"), "Julian and Emeka drive."),
    ("Sandholm survey", "2026-05-06T13:30:00.000+02:00", None, "Outside", ("Julian", "Tomas"), "The rhythm stays."),
    ("Repair shelf", "2026-06-24", None, "Review", ("Bea", "Tomas"), ""),
    ("Paint review, June", "2026-06-30", None, "Review", ("Sanna", "Iris"), "2 and 3 stay."),
    ("Quarter review", "2026-07-01", "2026-07-02", "Review", ("Iris", "Nadia", "Bea"), "Sandholm first."),
    ("Interview: apprentice", "2026-06-11T15:00:00.000+02:00", None, "Outside", ("Tomas", "Bea"), "Yes."),
    ("Firmware 2.4 retrospective", "2026-05-13", None, "Review", ("Emeka", "Nadia", "Oskar"), "Buy headlights."),
]  # fmt: skip
