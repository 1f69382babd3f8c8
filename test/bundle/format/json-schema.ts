/** As much of JSON Schema as the published schemas use; a keyword that is not known here is a complaint of its own. */
type Json = Record<string, unknown>;

/** What is wrong with a value by a schema, with the place. */
export function complaints(value: unknown, schema: Json, root: Json = schema, at = '$'): string[] {
  const wrong = (why: string): string[] => [`${at} ${why}`];
  return Object.entries(schema).flatMap(([keyword, rule]): string[] => {
    switch (keyword) {
      case '$schema':
      case '$defs':
      case 'title':
      case 'description':
        return [];
      case '$ref': {
        const name = String(rule).replace('#/$defs/', '');
        return complaints(value, (root.$defs as Record<string, Json>)[name] as Json, root, at);
      }
      case 'type':
        return typeOf(value) === rule || (rule === 'number' && typeOf(value) === 'integer')
          ? []
          : wrong(`is no ${rule}`);
      case 'const':
        return value === rule ? [] : wrong(`is not ${rule}`);
      case 'enum':
        return (rule as unknown[]).includes(value) ? [] : wrong('is none of the choices');
      case 'pattern':
        return typeof value !== 'string' || new RegExp(String(rule)).test(value)
          ? []
          : wrong(`is not like ${rule}`);
      case 'minLength':
        return typeof value !== 'string' || value.length >= Number(rule) ? [] : wrong('is too short');
      case 'maxLength':
        return typeof value !== 'string' || value.length <= Number(rule) ? [] : wrong('is too long');
      case 'minimum':
        return typeof value !== 'number' || value >= Number(rule) ? [] : wrong('is too small');
      case 'maximum':
        return typeof value !== 'number' || value <= Number(rule) ? [] : wrong('is too large');
      case 'minItems':
        return !Array.isArray(value) || value.length >= Number(rule) ? [] : wrong('has too few items');
      case 'maxItems':
        return !Array.isArray(value) || value.length <= Number(rule) ? [] : wrong('has too many items');
      case 'items':
        return Array.isArray(value)
          ? value.flatMap((item, i) => complaints(item, rule as Json, root, `${at}[${i}]`))
          : [];
      case 'anyOf':
        return (rule as Json[]).some(one => complaints(value, one, root, at).length === 0)
          ? []
          : wrong('is none of what it may be');
      case 'required':
        return isObject(value)
          ? (rule as string[]).flatMap(key => (key in value ? [] : wrong(`lacks ${key}`)))
          : [];
      case 'properties':
        return isObject(value)
          ? Object.entries(rule as Record<string, Json>).flatMap(([key, inner]) =>
              key in value ? complaints(value[key], inner, root, `${at}.${key}`) : [],
            )
          : [];
      case 'propertyNames':
        return isObject(value)
          ? Object.keys(value).flatMap(key => complaints(key, rule as Json, root, `${at}, key ${key},`))
          : [];
      case 'additionalProperties': {
        if (!isObject(value)) return [];
        const known = Object.keys((schema.properties ?? {}) as Json);
        const others = Object.keys(value).filter(key => !known.includes(key));
        if (typeof rule === 'boolean') return rule ? [] : others.flatMap(key => wrong(`has ${key}`));
        return others.flatMap(key => complaints(value[key], rule as Json, root, `${at}.${key}`));
      }
      default:
        return wrong(`is asked for ${keyword}, which is not known`);
    }
  });
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (Number.isInteger(value)) return 'integer';
  return typeof value;
}

function isObject(value: unknown): value is Json {
  return typeOf(value) === 'object';
}
