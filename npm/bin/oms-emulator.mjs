#!/usr/bin/env node
import { run } from '../lib/host.mjs';

run(process.argv.slice(2));
