// notion-to-md: every page by id.  node reader_notion_to_md.mjs <url> <token> <page ids, comma>
import { Client } from "@notionhq/client";
import { NotionToMarkdown } from "notion-to-md";

const [url, auth, ids] = process.argv.slice(2);
const notionClient = new Client({ auth, baseUrl: url, notionVersion: "2022-06-28" });
const reader = new NotionToMarkdown({ notionClient, config: { parseChildPages: false } });
for (const id of ids.split(",")) console.log(reader.toMarkdownString(await reader.pageToMarkdown(id)).parent);
