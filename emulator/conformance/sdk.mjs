// Every method of the official JavaScript SDK against an emulator.
//
//   node sdk.mjs <url> <token> <root page id> <notion version>
//
// Prints one JSON object: {"steps": {name: null | "what failed"}, "called": [...], "methods": [...]}.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import * as sdk from "@notionhq/client";

const [url, token, root, version] = process.argv.slice(2);
const client = new sdk.Client({ auth: token, baseUrl: url, notionVersion: version, retry: false, logLevel: "error" });
const newest = version === "2026-03-11";
const called = new Set();
const methods = [];
const steps = {};

// The same client, noting which of its methods are called.
function watched(object, path = "") {
  const copy = {};
  for (const [name, value] of Object.entries(object)) {
    const full = path ? `${path}.${name}` : name;
    if (typeof value === "function") {
      methods.push(full);
      copy[name] = (...given) => (called.add(full), value.apply(object, given));
    } else if (value && typeof value === "object") {
      copy[name] = watched(value, full);
    }
  }
  return copy;
}
const groups = ["asyncTasks", "blocks", "comments", "customEmojis", "dataSources", "databases", "fileUploads", "oauth", "pages", "users", "views"];
const notion = watched(Object.fromEntries(groups.map((name) => [name, client[name]])));
notion.search = (given) => (called.add("search"), client.search(given));
methods.push("search");

const made = {};
async function step(name, run) {
  try {
    await run();
    steps[name] = null;
  } catch (error) {
    steps[name] = `${error.name}: ${error.message} ${error.stack?.split("\n").find((line) => line.includes("sdk.mjs")) ?? ""}`;
  }
}
const text = (content) => [{ type: "text", text: { content } }];
const plain = (items) => items.map((item) => item.plain_text).join("");
async function refused(promise, code, status) {
  await assert.rejects(promise, (error) => sdk.isNotionClientError(error) && error.code === code && error.status === status);
}

await step("users", async () => {
  const me = await notion.users.me({});
  assert.equal(me.type, "bot");
  assert.equal(me.bot.owner.type, "workspace");
  const { results } = await notion.users.list({ page_size: 100 });
  assert.ok(results.every(sdk.isFullUser));
  const bot = await notion.users.retrieve({ user_id: me.id });
  assert.equal(bot.id, me.id);
  await refused(notion.users.retrieve({ user_id: "00000000-0000-0000-0000-000000000000" }), "object_not_found", 404);
});

await step("pages", async () => {
  made.page = await notion.pages.create({
    parent: { page_id: root },
    properties: { title: { title: text("SDK page") } },
    icon: { type: "emoji", emoji: "🏮" },
    cover: { type: "external", external: { url: "https://www.example.com/cover.png" } },
    children: [{ paragraph: { rich_text: text("first") } }],
  });
  assert.ok(sdk.isFullPage(made.page));
  assert.equal(sdk.extractPageId(made.page.url), made.page.id);
  const page = await notion.pages.retrieve({ page_id: made.page.id });
  assert.equal(plain(page.properties.title.title), "SDK page");
  const updated = await notion.pages.update({
    page_id: page.id, icon: null, is_locked: true, properties: { title: { title: text("SDK page, renamed") } },
  });
  assert.deepEqual([updated.icon, updated.is_locked], [null, true]);
  const item = await notion.pages.properties.retrieve({ page_id: page.id, property_id: "title" });
  assert.equal(item.results[0].title.plain_text, "SDK page, renamed");
  const other = await notion.pages.create({ parent: { page_id: root }, properties: { title: { title: text("Moving") } } });
  const moved = await notion.pages.move({ page_id: other.id, parent: { page_id: page.id } });
  assert.equal(moved.parent.page_id, page.id);
  const trashed = await notion.pages.update({ page_id: other.id, in_trash: true });
  assert.equal(trashed.in_trash, true);
  assert.equal("archived" in trashed, !newest);
  assert.equal((await notion.pages.update({ page_id: other.id, in_trash: false })).in_trash, false);
});

await step("blocks", async () => {
  const appended = await notion.blocks.children.append({
    block_id: made.page.id,
    children: [
      { heading_2: { rich_text: text("Heading") } },
      { to_do: { rich_text: text("Task"), checked: false } },
      { toggle: { rich_text: text("Toggle"), children: [{ code: { rich_text: text("x = 1"), language: "python" } }] } },
      { column_list: { children: [1, 2].map((n) => ({ column: { children: [{ paragraph: { rich_text: text(`c${n}`) } }] } })) } },
      { table: { table_width: 2, children: [{ table_row: { cells: [text("a"), text("b")] } }] } },
      { bookmark: { url: "https://www.example.com" } },
      { synced_block: { synced_from: null, children: [{ quote: { rich_text: text("shared") } }] } },
      { divider: {} },
    ],
  });
  assert.ok(appended.results.every(sdk.isFullBlock));
  assert.deepEqual(appended.results.map((block) => block.has_children), [false, false, true, true, true, false, true, false]);
  const todo = appended.results[1];
  const done = await notion.blocks.update({ block_id: todo.id, to_do: { rich_text: text("Task, done"), checked: true } });
  assert.equal(done.to_do.checked, true);
  const listed = await sdk.collectPaginatedAPI(notion.blocks.children.list, { block_id: made.page.id, page_size: 3 });
  assert.equal(listed.length, 10);
  const [inner] = (await notion.blocks.children.list({ block_id: appended.results[2].id })).results;
  assert.equal(plain(inner.code.rich_text), "x = 1");
  const removed = await notion.blocks.delete({ block_id: todo.id });
  assert.equal(removed.in_trash, true);
  assert.equal((await notion.blocks.retrieve({ block_id: todo.id })).in_trash, true);
  const position = { type: "after_block", after_block: { id: appended.results[0].id } };
  const placed = await notion.blocks.children.append({
    block_id: made.page.id, children: [{ paragraph: { rich_text: text("between") } }], position,
  });
  const order = (await notion.blocks.children.list({ block_id: made.page.id })).results.map((block) => block.id);
  assert.equal(order[order.indexOf(appended.results[0].id) + 1], placed.results[0].id);
  await refused(
    notion.blocks.children.append({ block_id: made.page.id, children: Array(101).fill({ divider: {} }) }), "validation_error", 400,
  );
});

await step("markdown", async () => {
  const read = await notion.pages.retrieveMarkdown({ page_id: made.page.id });
  assert.match(read.markdown, /## Heading/);
  const written = await notion.pages.updateMarkdown({
    page_id: made.page.id, type: "insert_content", insert_content: { content: "## New Section\n\nHello from markdown." },
  });
  assert.match(written.markdown, /## New Section\nHello from markdown\.$/);
  const edited = await notion.pages.updateMarkdown({
    page_id: made.page.id, type: "update_content",
    update_content: { content_updates: [{ old_str: "Hello from markdown.", new_str: "Hello again." }] },
  });
  assert.match(edited.markdown, /Hello again\.$/);
  const page = await notion.pages.create({ parent: { page_id: root }, markdown: "# From Markdown\n\n- one\n- two" });
  assert.equal(plain(page.properties.title.title), "From Markdown");
  made.plain = page;
});

await step("async tasks", async () => {
  const task = await notion.pages.updateMarkdown({
    page_id: made.plain.id, type: "insert_content", insert_content: { content: "later" }, allow_async: true,
  });
  assert.equal(task.object, "async_task");
  const read = await notion.asyncTasks.retrieve({ task_id: task.id });
  assert.ok(["queued", "running", "succeeded"].includes(read.status));
});

await step("databases", async () => {
  made.database = await notion.databases.create({
    parent: { type: "page_id", page_id: root },
    title: text("SDK base"),
    initial_data_source: {
      properties: {
        Name: { title: {} },
        Amount: { number: { format: "euro" } },
        Kind: { select: { options: [{ name: "A", color: "red" }, { name: "B" }] } },
        State: { status: {} },
        When: { date: {} },
        Done: { checkbox: {} },
      },
    },
  });
  assert.ok(sdk.isFullDatabase(made.database));
  made.source = made.database.data_sources[0].id;
  const read = await notion.databases.retrieve({ database_id: made.database.id });
  assert.equal(plain(read.title), "SDK base");
  const updated = await notion.databases.update({ database_id: made.database.id, title: text("SDK base, renamed"), is_inline: true });
  assert.deepEqual([plain(updated.title), updated.is_inline], ["SDK base, renamed", true]);
});

await step("data sources", async () => {
  const source = await notion.dataSources.retrieve({ data_source_id: made.source });
  assert.ok(sdk.isFullDataSource(source));
  assert.equal(source.properties.Amount.number.format, "euro");
  const changed = await notion.dataSources.update({
    data_source_id: made.source,
    properties: { Amount: { name: "Sum" }, Notes: { rich_text: {} }, Self: { relation: { data_source_id: made.source, single_property: {} } } },
  });
  assert.deepEqual(["Sum", "Notes", "Self"].map((name) => name in changed.properties), [true, true, true]);
  const second = await notion.dataSources.create({
    parent: { database_id: made.database.id }, properties: { Title: { title: {} } }, title: text("Second"),
  });
  assert.equal(second.parent.database_id, made.database.id);
  for (let number = 1; number <= 5; number += 1) {
    await notion.pages.create({
      parent: { data_source_id: made.source },
      properties: {
        Name: { title: text(`Row ${number}`) }, Sum: { number }, Kind: { select: { name: number % 2 ? "A" : "B" } },
        When: { date: { start: `2026-07-0${number}` } }, Done: { checkbox: number > 3 },
      },
    });
  }
  const found = await notion.dataSources.query({
    data_source_id: made.source,
    filter: { and: [{ property: "Kind", select: { equals: "A" } }, { property: "Sum", number: { greater_than: 1 } }] },
    sorts: [{ property: "Sum", direction: "descending" }],
  });
  assert.deepEqual(found.results.map((row) => row.properties.Sum.number), [5, 3]);
  const rows = [];
  for await (const row of sdk.iteratePaginatedAPI(notion.dataSources.query, { data_source_id: made.source, page_size: 2 })) rows.push(row);
  assert.deepEqual(rows.map((row) => plain(row.properties.Name.title)), ["Row 5", "Row 4", "Row 3", "Row 2", "Row 1"]);
  const all = await sdk.collectAllDataSourceRows(client, { data_source_id: made.source });
  assert.equal(all.length, 5);
  const templates = await notion.dataSources.listTemplates({ data_source_id: made.source });
  assert.deepEqual([templates.templates, templates.has_more], [[], false]);
  assert.deepEqual(await sdk.collectDataSourceTemplates(client, { data_source_id: made.source }), []);
  await refused(
    notion.dataSources.query({ data_source_id: made.source, filter: { property: "Colour", select: { equals: "A" } } }),
    "validation_error", 400,
  );
});

await step("views", async () => {
  const view = await notion.views.create({
    database_id: made.database.id, data_source_id: made.source, name: "By sum", type: "table",
    sorts: [{ property: "Sum", direction: "ascending" }], filter: { property: "Done", checkbox: { equals: true } },
  });
  assert.ok(sdk.isFullView(view));
  assert.equal((await notion.views.retrieve({ view_id: view.id })).name, "By sum");
  assert.equal((await notion.views.update({ view_id: view.id, name: "Renamed" })).name, "Renamed");
  const listed = await notion.views.list({ database_id: made.database.id });
  assert.ok(listed.results.some((one) => one.id === view.id));
  const query = await notion.views.queries.create({ view_id: view.id, page_size: 1 });
  assert.deepEqual([query.object, query.total_count, query.has_more], ["view_query", 2, true]);
  const rest = await notion.views.queries.results({ view_id: view.id, query_id: query.id, start_cursor: query.next_cursor });
  assert.equal(rest.results.length, 1);
  assert.equal((await notion.views.queries.delete({ view_id: view.id, query_id: query.id })).deleted, true);
  assert.equal((await notion.views.delete({ view_id: view.id })).id, view.id);
});

await step("search", async () => {
  const found = await notion.search({ query: "SDK", filter: { property: "object", value: "page" } });
  assert.ok(found.results.every(sdk.isFullPageOrDataSource));
  assert.ok(found.results.some((one) => one.id === made.page.id));
  const everything = await sdk.collectPaginatedAPI(notion.search, { page_size: 2, sort: { timestamp: "last_edited_time", direction: "ascending" } });
  assert.equal(new Set(everything.map((one) => one.id)).size, everything.length);
});

await step("comments", async () => {
  const first = await notion.comments.create({ parent: { page_id: made.page.id }, rich_text: text("A remark") });
  assert.ok(sdk.isFullComment(first));
  const reply = await notion.comments.create({ discussion_id: first.discussion_id, markdown: "A **reply**" });
  assert.equal(reply.discussion_id, first.discussion_id);
  const listed = await notion.comments.list({ block_id: made.page.id });
  assert.deepEqual(listed.results.map((one) => plain(one.rich_text)), ["A remark", "A reply"]);
  assert.equal((await notion.comments.retrieve({ comment_id: first.id })).id, first.id);
  const updated = await notion.comments.update({ comment_id: first.id, rich_text: text("A better remark") });
  assert.equal(plain(updated.rich_text), "A better remark");
  assert.equal((await notion.comments.delete({ comment_id: reply.id })).id, reply.id);
});

await step("file uploads", async () => {
  const upload = await notion.fileUploads.create({ filename: "note.txt", content_type: "text/plain" });
  assert.equal(upload.status, "pending");
  const sent = await notion.fileUploads.send({
    file_upload_id: upload.id, file: { filename: "note.txt", data: new Blob(["hello from the SDK"], { type: "text/plain" }) },
  });
  assert.deepEqual([sent.status, sent.content_length], ["uploaded", 18]);
  assert.equal((await notion.fileUploads.retrieve({ file_upload_id: upload.id })).status, "uploaded");
  const appended = await notion.blocks.children.append({
    block_id: made.page.id, children: [{ file: { file_upload: { id: upload.id } } }],
  });
  const stored = await fetch(appended.results[0].file.file.url);
  assert.equal(await stored.text(), "hello from the SDK");
  const parts = await notion.fileUploads.create({ mode: "multi_part", number_of_parts: 2, filename: "big.bin", content_type: "application/octet-stream" });
  const half = new Uint8Array(5 * 1024 * 1024);
  for (const [number, data] of [["1", half], ["2", new Uint8Array([1, 2, 3])]]) {
    await notion.fileUploads.send({ file_upload_id: parts.id, part_number: number, file: { filename: "big.bin", data: new Blob([data]) } });
  }
  const complete = await notion.fileUploads.complete({ file_upload_id: parts.id });
  assert.deepEqual([complete.status, complete.content_length], ["uploaded", half.length + 3]);
  const listed = await notion.fileUploads.list({ status: "uploaded" });
  assert.ok(listed.results.some((one) => one.id === parts.id));
});

await step("custom emojis", async () => {
  assert.ok(Array.isArray((await notion.customEmojis.list({})).results));
});

await step("meeting notes", async () => {
  const upload = await notion.fileUploads.create({ filename: "talk.mp3", content_type: "audio/mpeg" });
  await notion.fileUploads.send({ file_upload_id: upload.id, file: { filename: "talk.mp3", data: new Blob([new Uint8Array(64)], { type: "audio/mpeg" }) } });
  const note = await notion.blocks.meetingNotes.create({
    title: "Weekly", source: { type: "file_upload", file_upload_id: upload.id }, parent: { type: "page_id", page_id: made.page.id },
  });
  assert.equal(note.type, newest ? "meeting_notes" : "transcription");
  const found = await notion.blocks.meetingNotes.query({ limit: 10 });
  assert.ok(found.results.some((one) => one.id === note.id));
});

await step("errors", async () => {
  const stranger = new sdk.Client({ auth: "ntn_wrong", baseUrl: url, notionVersion: version, retry: false, logLevel: "error" });
  await refused(stranger.users.me({}), "unauthorized", 401);
  await refused(notion.pages.retrieve({ page_id: "00000000-0000-0000-0000-000000000000" }), "object_not_found", 404);
  await refused(client.request({ path: "nowhere", method: "get" }), "invalid_request_url", 400);
});

// The webhooks' signatures are checked by the SDK's own verifier, over the bytes as they arrived.
await step("webhooks", async () => {
  const received = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push({ body: Buffer.concat(chunks), signature: request.headers["x-notion-signature"] });
    response.end();
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const control = (method, path, body) =>
    fetch(`${url}/_emulator/${path}`, { method, body: JSON.stringify(body), headers: { "content-type": "application/json" } }).then((answer) => answer.json());
  const until = async (condition) => {
    for (let tries = 0; tries < 200 && !condition(); tries += 1) await new Promise((next) => setTimeout(next, 25));
    assert.ok(condition(), "nothing arrived");
  };
  try {
    const { id } = await control("POST", "webhooks", { url: `http://127.0.0.1:${server.address().port}/` });
    await until(() => received.length === 1);
    const { verification_token: verificationToken } = JSON.parse(received[0].body);
    const page = await notion.pages.create({ parent: { page_id: root }, properties: { title: { title: text("Watched") } } });
    const named = () => received.find((one) => JSON.parse(one.body).entity?.id === page.id);
    await control("POST", "clock", { advance: 300 });
    await until(named);
    for (const one of received) assert.equal(await sdk.verifyWebhookSignature({ ...one, verificationToken }), true);
    const forged = Buffer.concat([named().body, Buffer.from(" ")]);
    assert.equal(await sdk.verifyWebhookSignature({ body: forged, signature: named().signature, verificationToken }), false);
    const event = JSON.parse(named().body);
    assert.deepEqual([event.type, event.entity.type, event.attempt_number, event.data.parent.id], ["page.created", "page", 1, root]);
    await control("DELETE", "webhooks", { id });
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

const { CLIENT_ID: client_id, CLIENT_SECRET: client_secret, CODE: code } = process.env;
if (code) {
  await step("oauth", async () => {
    const granted = await notion.oauth.token({ client_id, client_secret, grant_type: "authorization_code", code });
    assert.equal(granted.token_type, "bearer");
    assert.equal((await notion.oauth.introspect({ client_id, client_secret, token: granted.access_token })).active, true);
    const renewed = await notion.oauth.token({ client_id, client_secret, grant_type: "refresh_token", refresh_token: granted.refresh_token });
    assert.notEqual(renewed.access_token, granted.access_token);
    assert.equal((await notion.oauth.introspect({ client_id, client_secret, token: granted.access_token })).active, false);
    await notion.oauth.revoke({ client_id, client_secret, token: renewed.access_token });
    assert.equal((await notion.oauth.introspect({ client_id, client_secret, token: renewed.access_token })).active, false);
  });
}

console.log(JSON.stringify({ steps, called: [...called].sort(), methods: methods.sort() }));
