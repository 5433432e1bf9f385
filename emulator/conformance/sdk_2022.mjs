// Every method of the last official JavaScript SDK made for Notion-Version 2022-06-28 against an emulator.
//
//   node sdk_2022.mjs <url> <token> <root page id> 2022-06-28
//
// Prints one JSON object: {"steps": {name: null | "what failed"}, "called": [...], "methods": [...]}.
import assert from "node:assert/strict";
import sdk from "notionhq-client-2022";

const [url, token, root, version] = process.argv.slice(2);
const client = new sdk.Client({ auth: token, baseUrl: url, notionVersion: version, logLevel: "error" });
const called = new Set();
const methods = ["search"];
const steps = {};

// The same client, noting which of its methods are called.
function watched(object, path) {
  const copy = {};
  for (const [name, value] of Object.entries(object)) {
    const full = `${path}.${name}`;
    if (typeof value === "function") {
      methods.push(full);
      copy[name] = (...given) => (called.add(full), value.apply(object, given));
    } else if (value && typeof value === "object") {
      copy[name] = watched(value, full);
    }
  }
  return copy;
}
const groups = ["blocks", "comments", "databases", "oauth", "pages", "users"];
const notion = Object.fromEntries(groups.map((name) => [name, watched(client[name], name)]));
notion.search = (given) => (called.add("search"), client.search(given));

const made = {};
async function step(name, run) {
  try {
    await run();
    steps[name] = null;
  } catch (error) {
    steps[name] = `${error.name}: ${error.message} ${error.stack?.split("\n").find((line) => line.includes("sdk_2022.mjs")) ?? ""}`;
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
  assert.ok((await notion.users.list({})).results.every(sdk.isFullUser));
  assert.equal((await notion.users.retrieve({ user_id: me.id })).id, me.id);
});

await step("databases", async () => {
  const database = (made.database = await notion.databases.create({
    parent: { type: "page_id", page_id: root },
    title: text("Old base"),
    properties: { Name: { title: {} }, Amount: { number: {} }, Kind: { select: { options: [{ name: "A" }, { name: "B" }] } } },
  }));
  assert.ok(sdk.isFullDatabase(database));
  assert.equal(database.archived, false);
  const changed = await notion.databases.update({ database_id: database.id, properties: { Amount: { name: "Sum" }, Self: { relation: { database_id: database.id, single_property: {} } } } });
  assert.ok("Sum" in changed.properties && "Self" in changed.properties);
  const read = await notion.databases.retrieve({ database_id: database.id });
  assert.equal(plain(read.title), "Old base");
  for (let number = 1; number <= 5; number += 1) {
    const row = await notion.pages.create({
      parent: { database_id: database.id },
      properties: { Name: { title: text(`Row ${number}`) }, Sum: { number }, Kind: { select: { name: number % 2 ? "A" : "B" } } },
    });
    assert.deepEqual(row.parent, { type: "database_id", database_id: database.id });
  }
  const found = await notion.databases.query({
    database_id: database.id, filter: { property: "Kind", select: { equals: "A" } }, sorts: [{ property: "Sum", direction: "ascending" }],
  });
  assert.deepEqual([found.type, found.results.map((row) => row.properties.Sum.number)], ["page_or_database", [1, 3, 5]]);
  const all = await sdk.collectPaginatedAPI(notion.databases.query, { database_id: database.id, page_size: 2 });
  assert.equal(all.length, 5);
  // Notion removed this operation for good; the method is still there.
  await refused(notion.databases.list({}), "invalid_request_url", 400);
});

await step("pages", async () => {
  const page = (made.page = await notion.pages.create({
    parent: { page_id: root }, properties: { title: { title: text("Old page") } }, children: [{ paragraph: { rich_text: text("first") } }],
  }));
  assert.ok(sdk.isFullPage(page));
  assert.equal(page.archived, false);
  assert.equal(plain((await notion.pages.retrieve({ page_id: page.id })).properties.title.title), "Old page");
  const item = await notion.pages.properties.retrieve({ page_id: page.id, property_id: "title" });
  assert.equal(item.results[0].title.plain_text, "Old page");
  const gone = await notion.pages.update({ page_id: page.id, archived: true });
  assert.deepEqual([gone.archived, gone.in_trash], [true, true]);
  assert.equal((await notion.pages.update({ page_id: page.id, archived: false })).archived, false);
});

await step("blocks", async () => {
  const appended = await notion.blocks.children.append({
    block_id: made.page.id, children: [{ toggle: { rich_text: text("T"), children: [{ divider: {} }] } }, { to_do: { rich_text: text("Task") } }],
  });
  assert.ok(appended.results.every(sdk.isFullBlock));
  const [toggle, todo] = appended.results;
  const after = await notion.blocks.children.append({ block_id: made.page.id, children: [{ divider: {} }], after: toggle.id });
  const order = (await sdk.collectPaginatedAPI(notion.blocks.children.list, { block_id: made.page.id, page_size: 2 })).map((one) => one.id);
  assert.deepEqual(order.slice(1), [toggle.id, after.results[0].id, todo.id]);
  assert.equal((await notion.blocks.update({ block_id: todo.id, to_do: { checked: true } })).to_do.checked, true);
  assert.equal((await notion.blocks.delete({ block_id: todo.id })).archived, true);
  assert.equal((await notion.blocks.retrieve({ block_id: todo.id })).archived, true);
});

await step("comments", async () => {
  const first = await notion.comments.create({ parent: { page_id: made.page.id }, rich_text: text("Remark") });
  const reply = await notion.comments.create({ discussion_id: first.discussion_id, rich_text: text("Reply") });
  assert.ok(sdk.isFullComment(first));
  const listed = await notion.comments.list({ block_id: made.page.id });
  assert.deepEqual(listed.results.map((one) => one.id), [first.id, reply.id]);
});

await step("search", async () => {
  const found = await notion.search({ query: "Old", filter: { property: "object", value: "database" } });
  assert.deepEqual([found.type, found.results.map((one) => one.object)], ["page_or_database", ["database"]]);
  assert.ok(sdk.isFullPageOrDatabase(found.results[0]));
});

await step("several data sources", async () => {
  const headers = { authorization: `Bearer ${token}`, "notion-version": "2025-09-03", "content-type": "application/json" };
  const body = JSON.stringify({ parent: { database_id: made.database.id }, properties: { Title: { title: {} } } });
  assert.equal((await fetch(`${url}/v1/data_sources`, { method: "POST", headers, body })).status, 200);
  await refused(notion.databases.retrieve({ database_id: made.database.id }), "validation_error", 400);
  await refused(notion.databases.query({ database_id: made.database.id }), "validation_error", 400);
  const found = await notion.search({ query: "Old", filter: { property: "object", value: "database" } });
  assert.deepEqual(found.results, []);
});

await step("errors", async () => {
  await refused(notion.pages.retrieve({ page_id: "00000000-0000-0000-0000-000000000000" }), "object_not_found", 404);
  await refused(new sdk.Client({ auth: "ntn_wrong", baseUrl: url, logLevel: "error" }).users.me({}), "unauthorized", 401);
  await refused(client.request({ path: `data_sources/${made.database.id}`, method: "get" }), "invalid_request_url", 400);
});

const { CLIENT_ID: client_id, CLIENT_SECRET: client_secret, CODE: code } = process.env;
await step("oauth", async () => {
  const granted = await notion.oauth.token({ client_id, client_secret, grant_type: "authorization_code", code });
  assert.equal(granted.token_type, "bearer");
  if (notion.oauth.introspect) {
    assert.equal((await notion.oauth.introspect({ client_id, client_secret, token: granted.access_token })).active, true);
    await notion.oauth.revoke({ client_id, client_secret, token: granted.access_token });
  }
});

console.log(JSON.stringify({ steps, called: [...called].sort(), methods: methods.sort() }));
