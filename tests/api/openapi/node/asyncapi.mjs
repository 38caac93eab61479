// Parse an AsyncAPI document with the parser of the specification's authors, and print the errors.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser/cjs/index.js";

const ERROR = 0;
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const errors = diagnostics.filter((problem) => problem.severity === ERROR);
for (const problem of errors) console.log(problem.path.join("/"), problem.message);
console.log(`${document?.messages().length ?? 0} messages, ${errors.length} errors`);
process.exitCode = errors.length ? 1 : 0;
