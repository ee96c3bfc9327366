/** Whether a value matches a JSON Schema, of which slots and their forms use a part: no `$ref`, no formats. */

type Schema = Record<string, unknown> | boolean;

export function matches(schema: Schema | unknown, value: unknown): boolean {
  if (schema === true || schema === undefined) return true;
  if (schema === false) return false;
  const rules = schema as Record<string, unknown>;
  for (const rule of Object.keys(rules)) {
    const check = CHECKS[rule];
    if (check && !check(rules[rule], value, rules)) return false;
  }
  return true;
}

export function typeOf(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value === "object" ? "object" : typeof value;
}

type Check = (rule: any, value: unknown, schema: Record<string, unknown>) => boolean;

const CHECKS: Record<string, Check> = {
  type: (rule, value) => {
    const found = typeOf(value);
    return [rule].flat().some((one) => one === found || (one === "number" && found === "integer"));
  },
  const: (rule, value) => same(rule, value),
  enum: (rule, value) => rule.some((one: unknown) => same(one, value)),
  not: (rule, value) => !matches(rule, value),
  anyOf: (rule, value) => rule.some((one: Schema) => matches(one, value)),
  oneOf: (rule, value) => rule.filter((one: Schema) => matches(one, value)).length === 1,
  allOf: (rule, value) => rule.every((one: Schema) => matches(one, value)),
  required: (rule, value) => !isObject(value) || rule.every((key: string) => Object.hasOwn(value, key)),
  properties: (rule, value) =>
    !isObject(value) || Object.keys(rule).every((key) => !Object.hasOwn(value, key) || matches(rule[key], value[key])),
  patternProperties: (rule, value) =>
    !isObject(value) ||
    Object.keys(rule).every((pattern) =>
      Object.keys(value).every((key) => !new RegExp(pattern, "u").test(key) || matches(rule[pattern], value[key])),
    ),
  additionalProperties: (rule, value, schema) => {
    if (!isObject(value)) return true;
    const known = (schema.properties ?? {}) as object;
    const patterns = Object.keys((schema.patternProperties ?? {}) as object).map((one) => new RegExp(one, "u"));
    return Object.keys(value).every(
      (key) => Object.hasOwn(known, key) || patterns.some((one) => one.test(key)) || matches(rule, value[key]),
    );
  },
  items: (rule, value) => !Array.isArray(value) || value.every((one) => matches(rule, one)),
  contains: (rule, value) => !Array.isArray(value) || value.some((one) => matches(rule, one)),
  minItems: (rule, value) => !Array.isArray(value) || value.length >= rule,
  maxItems: (rule, value) => !Array.isArray(value) || value.length <= rule,
  minLength: (rule, value) => typeof value !== "string" || value.length >= rule,
  maxLength: (rule, value) => typeof value !== "string" || value.length <= rule,
  minimum: (rule, value) => typeof value !== "number" || value >= rule,
  maximum: (rule, value) => typeof value !== "number" || value <= rule,
  exclusiveMinimum: (rule, value) => typeof value !== "number" || value > rule,
  exclusiveMaximum: (rule, value) => typeof value !== "number" || value < rule,
  pattern: (rule, value) => typeof value !== "string" || regex(rule).test(value),
};

const compiled = new Map<string, RegExp>();

function regex(pattern: string): RegExp {
  let found = compiled.get(pattern);
  if (!found) compiled.set(pattern, (found = new RegExp(pattern)));
  return found;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, index) => same(item, other[index]));
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]));
}
