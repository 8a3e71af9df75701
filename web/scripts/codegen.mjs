// Writes src/gql/generated.ts from ../schema/schema.graphql and the operations in src/queries/.
// With --check it writes nothing and fails when the committed file is not what would be written.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import * as add from "@graphql-codegen/add";
import { codegen } from "@graphql-codegen/core";
import * as operations from "@graphql-codegen/typescript-operations";
import * as reactQuery from "@graphql-codegen/typescript-react-query";
import { parse } from "graphql";

const schemaFile = new URL("../../schema/schema.graphql", import.meta.url);
const queriesFolder = new URL("../src/queries/", import.meta.url);
const target = new URL("../src/gql/generated.ts", import.meta.url);

const documents = readdirSync(queriesFolder)
  .filter((name) => name.endsWith(".graphql"))
  .sort()
  .map((location) => ({ location, document: parse(readFileSync(new URL(location, queriesFolder), "utf8")) }));

const config = {
  strictScalars: true,
  scalars: {
    ID: { input: "string", output: "string" },
    Cursor: "string",
    DateTime: "string",
    Decimal: "string",
    JSON: "unknown",
  },
  enumType: "string-literal",
  useTypeImports: true,
  inlineFragmentTypes: "combine",
  dedupeFragments: true,
  reactQueryVersion: 5,
  errorType: "Error",
  exposeQueryKeys: true,
  // No path here: with one, the plugin would import this value as a type (graphql-code-generator issue 10501).
  fetcher: "fetchGraphQL",
};

const banner = [
  "// Written by `npm run codegen` from schema/schema.graphql and src/queries/. Never edit it.",
  'import { fetchGraphQL } from "../api/fetcher";',
];

const generated = await codegen({
  filename: "generated.ts",
  schema: parse(readFileSync(schemaFile, "utf8")),
  documents,
  config,
  plugins: [{ add: { content: banner } }, { operations: {} }, { reactQuery: {} }],
  pluginMap: { add, operations, reactQuery },
});

if (!process.argv.includes("--check")) {
  writeFileSync(target, generated);
} else if (readFileSync(target, "utf8") !== generated) {
  console.error("web/src/gql/generated.ts does not match the schema and the queries. Run `npm run codegen` in web/.");
  process.exitCode = 1;
}
