import type { operations } from './api.js';

/** Query parameters. Their names are in the reference of the control API. */
export type Query = Record<string, string>;

type Json<Part> = Part extends { content: { 'application/json': infer Document } } ? Document : undefined;

/** The body of a request. */
export type Body<Name extends keyof operations> = Json<Exclude<operations[Name]['requestBody'], undefined>>;

type Responses<Name extends keyof operations> = operations[Name]['responses'];

/** The body of a successful response. */
export type Result<Name extends keyof operations> = {
  [Status in keyof Responses<Name>]: Status extends 200 | 201 | 204 ? Json<Responses<Name>[Status]> : never;
}[keyof Responses<Name>];

/** The endpoints of the control API. */
export interface ControlMethods {
/* methods */
}
