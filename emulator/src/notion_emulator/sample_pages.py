"""The pages of the sample workspace, in the Markdown dialect that ``markdown_input`` reads.

Brackwater Lanterns and everybody in it are invented. ``[[Title]]`` mentions a page, ``@@Iris`` a person; a line
``%name argument`` is a block that the dialect has no form for (``sample_special``).
"""

__all__ = ["ENGINEERING", "HANDBOOK", "HOME", "MEETINGS", "OTHER", "PROJECTS", "TASK_NOTES"]

HOME = """
%breadcrumb
%hosted image harbour.svg The yard at low water, seen from the slip
<callout icon="👋" color="yellow_bg">
	Welcome to **Brackwater Lanterns**. We make and mend signal lanterns for small harbours. Eight people, one yard, one rule: *a light that is promised is lit*.
	New here? Start with [[Your first week]] and then walk round the yard with @@Bea.
</callout>
<table_of_contents color="gray"/>
# Where things are
<columns>
	<column ratio="50">
		### Everyday
		- Tasks of the week are in {{Tasks}} below.
		- Rules and customs are in the {{Handbook}}.
		- What we decided is in {{Meetings}}.
	</column>
	<column ratio="50">
		### Making
		- Firmware and circuits: [[Engineering]].
		- Shapes, glass and paint: [[Design notebook]].
		- Old things worth keeping: [[Archive]].
	</column>
</columns>
# This quarter
1. Finish the lantern for Sandholm pier, see [[Sandholm pier light]].
1. Bring the repair time under ten days.
	- It was fourteen in spring.
	- It is eleven now.
1. Write down what only one of us knows.
## Checks before the shutters close {toggle="true"}
	- [x] Kiln is off and below 60 degrees
	- [x] Gas valve at the bench is shut
	- [ ] Test lamp on the mast burns
	- [ ] Key is in the box, not in a pocket
---
> A lantern is a promise made of glass.<br>*Iris, on most Mondays*
%link_to_page Visitors
"""

HANDBOOK: dict[str, str] = {
    "Your first week": """
Nobody learns a yard in a day. This page says what to expect and whom to ask.
## Day by day
<table fit-page-width="false" header-row="true" header-column="true">
	<tr>
		<td>Day</td>
		<td>Where</td>
		<td>With whom</td>
	</tr>
	<tr>
		<td>Monday</td>
		<td>Yard, store, kitchen</td>
		<td>@@Bea</td>
	</tr>
	<tr>
		<td>Tuesday</td>
		<td>Workshop: cut, bend, solder</td>
		<td>@@Tomas</td>
	</tr>
	<tr>
		<td>Wednesday</td>
		<td>Bench: drivers and batteries</td>
		<td>@@Oskar</td>
	</tr>
	<tr>
		<td>Thursday</td>
		<td>On the water, weather allowing</td>
		<td>@@Julian</td>
	</tr>
	<tr>
		<td>Friday</td>
		<td>Anything you liked best</td>
		<td>Your choice</td>
	</tr>
</table>
## What you get
- A key, a knife, a notebook.
- A mug. Please keep *one*.
- [ ] Sign for the key with @@Bea
- [ ] Read [[Working on the water]] before Thursday
- [ ] Say at lunch what surprised you
""",
    "How we decide": """
Small things are decided by whoever does them. Larger things are written down **before** they are talked about.
1. Write half a page: what hurts, what you would do, what it costs.
1. Two people who disagree with you read it.
1. We talk for at most thirty minutes.
1. Somebody is named who decides. That person decides within two days.
<details color="gray_bg">
<summary>Why somebody and not everybody</summary>
	We tried everybody. The Merrow project waited *eleven weeks* for a colour.
	> Asking all of us is a way of asking none of us.
</details>
Decisions stand in the page of the meeting and are copied nowhere else. See [[Weekly round, 6 July]].
""",
    "Working hours and quiet hours": """
The yard is open from 7:30 to 17:00. Nobody is here alone with the kiln.
<callout icon="🤫" color="blue_bg">
	From 9 to 11 nobody is called, pinged or visited. Smoke is the exception.
</callout>
- Part days are normal. Say so in the calendar.
- Work at home when the work allows it: drawings, firmware, invoices.
- Overtime is paid back in hours within the month, not *some day*.
""",
    "Holidays and illness": """
Thirty days a year, of which you take at least **two weeks in one piece**.
When you are ill you are ill: one message to @@Bea is enough, no diagnosis, no apology.
```plain text
Subject: ill today
Back: perhaps Thursday
Please turn the Merrow castings over at noon.
```
""",
    "Money and receipts": """
You may spend up to 200 without asking, and up to 1,000 after asking one other person.
Receipts go into the tray by the door or as a photo to the shared inbox. A lunch with a harbour master is a receipt, a lunch without one is a lunch.
$$
\\text{price} = 1.35 \\cdot (\\text{material} + 48 \\cdot \\text{hours})
$$
The factor $`1.35`$ has been the same since 2019. Change it only after reading [[How we decide]].
""",
    "Working on the water": """
<callout icon="🛟" color="red_bg">
	No life jacket, no boat. This is the only rule that has cost somebody a job.
	- Two people per boat, always.
	- Radio on channel 11, checked aloud before casting off.
</callout>
## Before leaving
- [ ] Weather read **twice**, the second time by the other person
- [ ] Lantern, spare fuse, spare fuse for the spare fuse
- [ ] Somebody ashore knows when you mean to be back
## When it goes wrong {toggle="true" color="red"}
	1. Stay with the boat.
	1. Call on channel 16, then the yard.
	1. Do not save the lantern. We make lanterns.
""",
    "Tools and who keeps them": """
Each tool has a keeper. Borrow freely, return the same day, tell the keeper what you broke.
| Tool | Keeper | Lives |
|---|---|---|
| Kiln | Tomas | back wall |
| Lathe | Tomas | under the skylight |
| Spectrometer | Oskar | locked cupboard |
| Glass cutter | Sanna | light table |
| Van | Julian | wherever Julian is |
""",
    "Names and numbers": """
A lantern has a name like a person and a number like a bolt. The number is on the base plate: `BL-` and four digits.
- Series **A** is brass, series **B** is bronze, series **C** is what we do not talk about.
- A repaired lantern keeps its number and gains a dot.
- ~~Numbers of scrapped lanterns may be used again.~~ They may not.
""",
    "Writing to customers": """
Say what is true, what it costs and when it is ready. In that order.
<tabs>
	<tab icon="✅">
		Good
		Your lantern leaks at the seam. The repair costs 180 and takes eight days. It will be ready on the 14th.
	</tab>
	<tab icon="❌">
		Not so good
		We are excited to inform you that our experts have been looking into your valued request.
	</tab>
</tabs>
Harbour masters prefer the telephone. Ring them before ten.
""",
    "Backups": """
Drawings, firmware and the ledger are copied every night to the box in the boathouse, and every Sunday to a disk that @@Nadia takes home.
```bash
restore --from boathouse --date yesterday --into restored
diff -r restored/drawings drawings && echo "the copy is good"
```
A backup that was never restored is a rumour. We restore one on the first Monday of the month, see [[Restore drill]].
""",
    "Visitors": """
Visitors are welcome on Thursdays from 14:00. They get tea, safety glasses and the short tour.
%bookmark https://www.example.com/brackwater/how-to-find-us The way from the station, twelve minutes on foot
Children may press the fog horn button **once**.
#### Small print
What you break in the museum corner is yours.
""",
    "Leaving well": """
People leave, and that is allowed. Give us a month if you can, and write down the three things that only you know.
Keep the mug.
""",
}

ENGINEERING: dict[str, str] = {
    "Engineering": """
Notes of the bench: circuits, firmware, measurements. Drawings are with the projects.
<callout icon="🔧">
	A note is worth writing when you needed more than an hour to find something out.
</callout>
""",
    "Driver board, revision D": """
Revision D replaces the inductor that sang. The board drives one 6 W emitter from 10 to 30 V.
%hosted file driver-d.csv
## What changed
- Inductor 22 µH, shielded, two sources.
- Reverse polarity: a transistor instead of a diode, saves `0.4 V`.
- Test points moved to one edge.
## Efficiency
<table fit-page-width="false" header-row="true" header-column="false">
	<tr>
		<td>Input</td>
		<td>Revision C</td>
		<td>Revision D</td>
	</tr>
	<tr>
		<td>12 V</td>
		<td>86 %</td>
		<td>**91 %**</td>
	</tr>
	<tr>
		<td>24 V</td>
		<td>82 %</td>
		<td>**89 %**</td>
	</tr>
</table>
The loss in the coil is $`P = I^2 R`$, with $`R = 48\\,\\mathrm{m\\Omega}`$ that is 12 mW at half an ampere.
%sync original
""",
    "Flash patterns": """
A light is known by its rhythm. We write it the way charts do: *Fl(2) 10s* is two flashes every ten seconds.
```python
def pattern(group: int, period: float, flash: float = 0.5, gap: float = 1.0) -> list[tuple[bool, float]]:
	\"\"\"On and off times of a group flashing light.\"\"\"
	steps = []
	for number in range(group):
		steps.append((True, flash))
		steps.append((False, gap if number < group - 1 else period - group * flash - (group - 1) * gap))
	return steps
```
```mermaid
graph LR
	dusk --> lit
	lit --> dark
	dark --> lit
	lit --> dawn
```
%embed https://www.example.com/pattern-player
""",
    "Batteries in the cold": """
Below freezing the cells give a third less, and the lamp does not know.
1. Measure the rest voltage at sunset.
1. If it is low, shorten the flash, never the group.
	1. 0.5 s to 0.4 s saves 18 %.
	1. 0.4 s to 0.3 s is seen from the pier but not from a boat.
1. Report it at dawn.
%hosted audio beacon.wav What the buzzer says when the battery is low
""",
    "Firmware releases": """
| Version | Date | What |
|---|---|---|
| 2.4 | 2026-05-11 | Sun sensor filters car headlights |
| 2.3 | 2026-02-02 | Group flashes up to six |
| 2.2 | 2025-10-20 | Watchdog survives brown-out |
%link_preview https://www.example.com/brackwater/firmware/pull/112
Ask @@Emeka before flashing anything that hangs on a mast.
""",
    "Restore drill": """
<mention-date start="2026-07-06"/>: restored the ledger and all drawings in 22 minutes. Two links were dead, both fixed the same day.
<details>
<summary>Log</summary>
	```plain text
	09:02 disk found in the drawer that is labelled string
	09:11 copy begins
	09:20 copy ends, 41,208 files
	09:24 ledger opens, sums agree
	```
	<callout icon="💡" color="green_bg">
		Next time, label the drawer.
	</callout>
</details>
""",
    "Measuring light": """
Candela at one metre, dark room, **black cloth over the red exit sign**.
> The exit sign was in every measurement of 2024.
%hosted pdf measuring.pdf The procedure on one sheet
<video src="https://files.example.com/brackwater/measuring.mp4">Sanna measures, four minutes</video>
""",
}

OTHER: dict[str, str] = {
    "Design notebook": """
Loose pages about shape, glass and paint. Nothing here is decided.
%hosted image lantern-a.svg Series A, half section
<columns>
	<column ratio="33">
		**Brass**
		Warm, soft, turns green.
	</column>
	<column ratio="33">
		**Bronze**
		Heavy, hard, turns brown.
	</column>
	<column ratio="33">
		**Steel**
		Cheap, loud, turns orange.
	</column>
</columns>
Colours we like: <span color="orange">amber</span>, <span color="green_bg">signal green</span>, <span underline="true">no blue</span>.
%template Add a sketch
""",
    "Archive": """
What is finished but not forgotten.
""",
    "The Merrow lantern, 2021": """
Our first group flashing light. It has been lit for **1,640 nights** and was dark for two, both in the same storm.
%sync copy
""",
    "A letter from Sandholm": """
> Dear lantern people, the children here set their bedtime by your light. Please do not repair it in the evening.
We now repair it in the morning.
%unsupported button
""",
}

PROJECTS: dict[str, str] = {
    "Sandholm pier light": """
## Goal
Replace the gas lantern at the end of the pier by an electric one that nobody has to row to.
## Plan
1. Survey with the harbour master ✔
1. Casting and glass
1. Board, battery, mast
1. A week of nights with both lights
## Risks
- The mast is older than the drawings.
- Winter comes before the glass. <span color="red">Order by August.</span>
%hosted file survey.txt
%database Sketches for Sandholm
""",
    "Ten-day repairs": """
Median time from parcel to parcel is **eleven days**. Three of them are waiting for a decision of the customer.
<callout icon="🎯" color="green_bg">
	Ten days by the end of September, without more hands.
</callout>
- Offer within one day, with a photo.
- A shelf per week, not per customer.
""",
    "Driver board D": "See [[Driver board, revision D]]. First batch: 60 boards, 2 dead on arrival.\n",
    "Quiet fog horn": "A horn that is heard at sea and not in bedrooms. So far it is heard in neither.\n",
    "Spare parts online": "Forty parts make ninety per cent of all repairs. Put these forty on one page with prices.\n",
    "Apprentice bench": "One bench, one vice, good light, nobody's leftovers. Ready before the first apprentice comes.\n",
    "Solar trickle charger": "Paused until the Sandholm light burns. Notes are on the bench under the kettle.\n",
    "New paint for series B": "The old paint may no longer be sold. Four candidates hang on the south wall until autumn.\n",
}

MEETINGS: dict[str, str] = {
    "Weekly round, 6 July": """
## Round
- @@Tomas: Sandholm casting came out with one bubble, can be filled.
- @@Oskar: sixty boards tested, see [[Driver board, revision D]].
- @@Julian: two harbours asked for a price, one asked for a discount.
## Decided
- [x] Fill the bubble, do not cast again. *Decides: Tomas*
- [x] No discount. *Decides: Bea*
## Open
Who drives to Sandholm on the 16th?
%meeting Weekly round
""",
    "Weekly round, 13 July": """
- The glass for Sandholm is late by a week.
- The kiln thermostat is back.
- [x] Julian and Emeka drive on the 16th.
""",
    "Sandholm survey": """
With the harbour master, on the pier, in the rain. He wants the rhythm to stay *Fl(2) 10s*, because the children know it.
- Mast: 4.2 m, rust at the foot
- Cable: none
- Gulls: many
""",
    "Repair shelf": "We drew the shelf on the floor with chalk and walked it. It needs to be *deeper*.\n",
    "Paint review, June": "Candidates 1 and 4 have blistered. 2 and 3 stay on the wall.\n",
    "Quarter review": """
### Good
Repairs at eleven days, down from fourteen.
### Bad
Fog horn. We do not know why.
### Next
Sandholm first, everything else second.
""",
    "Interview: apprentice": "Asked good questions about the lathe and better ones about lunch. Yes from all of us.\n",
    "Firmware 2.4 retrospective": """
What held us up was not the filter but the missing headlights. @@Emeka drove round the yard for two evenings.
```diff
- threshold = 40
+ threshold = 40 if steady(samples) else 90
```
""",
}

TASK_NOTES: dict[str, str] = {
    "Order the Sandholm glass": "Two panes of 6 mm, one spare. The supplier wants the drawing as a **PDF**.\n",
    "Label the string drawer": "It holds the backup disk.\n",
    "Photograph forty spare parts": "- [x] Hinges\n- [x] Seals\n- [ ] Burners\n- [ ] Everything made of glass\n",
}
