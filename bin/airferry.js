#!/usr/bin/env node
// Starts airferry. Plain old JavaScript down to the first import(), so that an old Node can say what is missing.
(() => {
  var needed = [24, 18];
  var found = process.versions.node.split('.').map(Number);
  if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
    process.stderr.write(
      'error: airferry needs Node ' +
        needed.join('.') +
        ' or newer; this is Node ' +
        process.versions.node +
        ' (' +
        process.execPath +
        ')\n  -> Install a newer Node from https://nodejs.org, or run airferry with one: ' +
        '/path/to/node ' +
        process.argv[1] +
        '\n',
    );
    process.exit(1);
  }
  import('./start.js');
})();
