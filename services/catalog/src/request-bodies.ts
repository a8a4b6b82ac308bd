import { z } from 'zod';

/** Optional where it may be null: an absent field of a new resource is stored as null. */
type NewField<Field extends z.ZodType> = Field extends z.ZodNullable ? z.ZodDefault<Field> : Field;

/** The body of POST: every field, nullable ones optional. */
export const newResource = <Shape extends Record<string, z.ZodType>>(fields: Shape) =>
  z.strictObject(
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [
        name,
        field instanceof z.ZodNullable ? field.default(null) : field,
      ]),
    ) as { [Name in keyof Shape]: NewField<Shape[Name]> },
  );

/** The body of PATCH: any of the fields, at least one. Null is for nullable fields alone. */
export const changedResource = <Shape extends Record<string, z.ZodType>>(fields: Shape) =>
  z
    .strictObject(
      Object.fromEntries(
        Object.entries(fields).map(([name, field]) => [name, z.exactOptional(field)]),
      ) as { [Name in keyof Shape]: z.ZodExactOptional<Shape[Name]> },
    )
    .check(({ value, issues }) => {
      // An unknown field is reported as such, and not also as missing fields.
      if (Object.keys(value).length > 0 || issues.length > 0) return;
      issues.push({
        code: 'custom',
        message: 'must have at least one field to change',
        input: value,
      });
    })
    .meta({ minProperties: 1 });
