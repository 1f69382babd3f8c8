/** The errors of the YAML parser, said to someone who has never read the YAML specification. */
import type { YAMLParseError, YAMLWarning } from 'yaml';

interface Words {
  message: string;
  suggestions?: string[];
}

const QUOTE_IT = 'If it is plain text, put it in quotes.';

const WORDS: Partial<Record<YAMLParseError['code'], Words>> = {
  BAD_DIRECTIVE: { message: 'lines that begin with % are YAML directives, which are not read here' },
  BAD_DQ_ESCAPE: {
    message: 'a backslash inside double quotes begins an escape that YAML does not know',
    suggestions: ["Use single quotes, in which a backslash is only a backslash: 'C:\\data'."],
  },
  BAD_INDENT: {
    message: 'the indentation does not fit the lines above it',
    suggestions: ['Begin keys of the same map, and items of the same list, in the same column.'],
  },
  BAD_SCALAR_START: {
    message: 'text cannot begin with this character unless it is in quotes',
    suggestions: ['Put the whole text in quotes.'],
  },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'the value of a key holds a second `key:`',
    suggestions: [
      'Put the text in quotes if the colon belongs to it, or put the second key on a line of its own, in the column of the first.',
    ],
  },
  BLOCK_IN_FLOW: {
    message: 'an indented list or map cannot stand inside [ ] or { }',
    suggestions: ['Separate the items inside [ ] or { } with commas.'],
  },
  KEY_OVER_1024_CHARS: { message: 'a key is longer than 1024 characters' },
  MULTILINE_IMPLICIT_KEY: {
    message: 'a key must end with a colon on its own line',
    suggestions: [
      'Write `key: value`, with a space after the colon; inside [ ] or { }, put commas between the items.',
    ],
  },
  RESOURCE_EXHAUSTION: { message: 'lists and maps are nested too deeply' },
  TAB_AS_INDENT: {
    message: 'a tab is used as indentation',
    suggestions: ['Indent with spaces: YAML does not allow tabs there.'],
  },
  TAG_RESOLVE_FAILED: { message: 'YAML tags (`!name`) are not read here', suggestions: [QUOTE_IT] },
  UNEXPECTED_TOKEN: {
    message: 'something stands here that does not belong',
    suggestions: [
      'Look for a quote, bracket or comma that is missing or too many, here or on the line above.',
    ],
  },
};

const MISSING: [RegExp, Words][] = [
  [/closing ["']quote/, { message: 'the quote that opens here is never closed' }],
  [/Implicit map keys/, WORDS.MULTILINE_IMPLICIT_KEY as Words],
  [
    /, (?:or : )?between/,
    {
      message: 'a comma is missing between two items',
      suggestions: ['Separate the items inside [ ] or { } with commas.'],
    },
  ],
  [/space after :/, { message: 'a space is missing after the colon', suggestions: ['Write `key: value`.'] }],
  [/Sequence item without - /, { message: 'this line stands among list items but does not begin with `- `' }],
  [/flow (?:collection|map|sequence)|must end with/i, { message: 'a closing ] or } is missing' }],
  [/Comments must be/, { message: 'a comment must have a space before its #', suggestions: [QUOTE_IT] }],
];

/** What an error of the parser means, and what to do about it. Nothing of the file's text is repeated. */
export function yamlWords(error: YAMLParseError | YAMLWarning): Words {
  if (error.code === 'MISSING_CHAR') {
    const found = MISSING.find(([pattern]) => pattern.test(error.message));
    return (
      found?.[1] ?? {
        message: 'a character is missing here',
        suggestions: WORDS.UNEXPECTED_TOKEN?.suggestions,
      }
    );
  }
  if (error.code === 'BAD_INDENT' && /^Flow (?:map|sequence)/.test(error.message)) {
    return {
      message:
        'a closing ] or } is missing, or a line inside of [ ] or { } is not indented further than its key',
    };
  }
  if (error.message.startsWith('A block sequence may not')) return WORDS.BAD_INDENT as Words;
  return WORDS[error.code] ?? { message: 'this is not YAML that can be read', suggestions: [QUOTE_IT] };
}
