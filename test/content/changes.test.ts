import * as assert from 'uvu/assert';
import { parseChanges, type RunConfig } from '../../src/content/changes.ts';
import { refused } from '../bundle/rig.ts';
import { suite } from '../support/suite.ts';

const test = suite('content/changes');

const CASES: [instructions: string[], config: RunConfig][] = [
  [['CMD ["nginx", "-g", "daemon off;"]'], { Cmd: ['nginx', '-g', 'daemon off;'] }],
  [['cmd nginx -g "daemon off;"'], { Cmd: ['/bin/sh', '-c', 'nginx -g "daemon off;"'] }],
  [['CMD []'], { Cmd: [] }],
  [['CMD [ -f /x ] && echo y'], { Cmd: ['/bin/sh', '-c', '[ -f /x ] && echo y'] }],
  [['ENTRYPOINT ["/tool"]', 'CMD ["help"]'], { Entrypoint: ['/tool'], Cmd: ['help'] }],
  [['ENTRYPOINT exec top -b'], { Entrypoint: ['/bin/sh', '-c', 'exec top -b'] }],
  [['ENV A=1 B="two words" C=three\\ words'], { Env: ['A=1', 'B=two words', 'C=three words'] }],
  [['ENV A one two'], { Env: ['A=one two'] }],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of the Dockerfile
  [['ENV A=1', 'ENV A=2 B=$A', 'ENV C=${B:-x}${D:-y}${A:+z}'], { Env: ['A=2', 'B=1', 'C=1yz'] }],
  [['ENV A=\'$HOME\' B=\\$HOME C="\\""'], { Env: ['A=$HOME', 'B=$HOME', 'C="'] }],
  [['ENV PATH=/opt/bin:$PATH'], { Env: ['PATH=/opt/bin:'] }],
  [
    ['EXPOSE 80 53/udp', 'EXPOSE 8000-8002'],
    {
      ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {}, '8002/tcp': {} },
    },
  ],
  [['LABEL a=b "c d"=e', 'LABEL f g h'], { Labels: { a: 'b', 'c d': 'e', f: 'g h' } }],
  [['ONBUILD RUN make', 'ONBUILD COPY . /src'], { OnBuild: ['RUN make', 'COPY . /src'] }],
  [['STOPSIGNAL SIGQUIT'], { StopSignal: 'SIGQUIT' }],
  [['USER 1000:1000'], { User: '1000:1000' }],
  [['VOLUME /data /log', 'VOLUME ["/a b"]'], { Volumes: { '/data': {}, '/log': {}, '/a b': {} } }],
  [['WORKDIR /srv', 'WORKDIR app/..', 'WORKDIR x'], { WorkingDir: '/srv/x' }],
  [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of the Dockerfile
    ['ENV D=/data', 'WORKDIR $D/${X}y', 'USER "ops"'],
    { Env: ['D=/data'], WorkingDir: '/data/y', User: 'ops' },
  ],
  [['  ENV\tA=1\n'], { Env: ['A=1'] }],
  [[], {}],
];

for (const [instructions, config] of CASES) {
  test(`${JSON.stringify(instructions)} is understood`, () => {
    assert.equal(parseChanges(instructions), config);
  });
}

const REFUSED: [instruction: string, message: RegExp, suggestion?: string][] = [
  ['CMDD x', /no instruction CMDD/, 'Did you mean CMD?'],
  ['ENTRIPOINT x', /no instruction ENTRIPOINT/, 'Did you mean ENTRYPOINT?'],
  ['RUN make', /RUN is for builds/, 'An import takes CMD'],
  ['HEALTHCHECK NONE', /HEALTHCHECK is for builds/],
  ['', /it is empty/],
  ['CMD', /CMD needs something after it/],
  ["CMD ['nginx']", /no JSON list/, 'Write double quotes'],
  ['CMD ["nginx" "-g"]', /no JSON list/],
  ['ENV A', /has no value/, 'NAME=value'],
  ['ENV A=1 B', /"B" is no NAME=value/],
  ['ENV A="open', /a quote is not closed/],
  ['EXPOSE 0', /"0" is no port/],
  ['EXPOSE 70000', /no port/],
  ['EXPOSE 90-80', /no port/],
  ['EXPOSE http', /no port/],
  ['USER a b', /just one word/],
  ['WORKDIR ""', /just one word/],
  ['STOPSIGNAL sig!', /no signal/],
  ['ONBUILD ONBUILD RUN x', /cannot be a trigger/],
  ['VOLUME [""]', /volume without a path/],
  ['__proto__ x', /no instruction __PROTO__/],
];

for (const [instruction, message, suggestion = ''] of REFUSED) {
  test(`"${instruction}" is refused, and what to write is said`, async () => {
    const error = await refused(() => parseChanges([instruction]), 'USAGE', message);
    assert.match(error.suggestions.join(' '), suggestion);
  });
}

test('a list that is JSON but not of strings goes through the shell, as in Docker', () => {
  assert.equal(parseChanges(['CMD [1]']), { Cmd: ['/bin/sh', '-c', '[1]'] });
});

test.run();
