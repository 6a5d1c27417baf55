/*
 * Starts Millrace on a Node that is new enough. This file and those beside it must be read by any
 * Node, however old, so they are CommonJS and use old syntax only.
 */
'use strict';

var fs = require('fs');
var path = require('path');

var needed = [22, 22];

function isNewEnough(version) {
  var parts = version.split('.');
  var major = Number(parts[0]);
  return major > needed[0] || (major === needed[0] && Number(parts[1]) >= needed[1]);
}

/** A Node that npm has installed as a dependency, in this package or beside it. */
function ownNode() {
  var root = path.join(__dirname, '..');
  var found = [
    path.join(root, 'node_modules', 'node', 'bin', 'node'),
    path.join(root, 'node_modules', '.bin', 'node'),
    path.join(root, '..', 'node', 'bin', 'node'),
    path.join(root, '..', '.bin', 'node'),
  ].filter(function (file) {
    return fs.existsSync(file) && fs.realpathSync(file) !== fs.realpathSync(process.execPath);
  });
  return found[0];
}

/** Runs the same command line with another Node, as if it were this process. */
function runWith(node) {
  var args = process.execArgv.concat(process.argv.slice(1));
  var child = require('child_process').spawn(node, args, {
    stdio: 'inherit',
    env: Object.assign({}, process.env, { MILLRACE_NODE: node }),
  });
  ['SIGTERM', 'SIGINT', 'SIGHUP'].forEach(function (name) {
    process.on(name, function () {
      child.kill(name);
    });
  });
  child.on('error', refuse);
  child.on('exit', function (code, signal) {
    process.exit(signal ? 1 : code);
  });
}

function refuse() {
  console.error(
    'Millrace needs Node ' + needed.join('.') + ' or newer; this is Node ' +
      process.versions.node + '.\n' +
      'Install a newer one from https://nodejs.org, or one for Millrace alone, beside it:\n' +
      '  npm install node@24'
  );
  process.exit(1);
}

if (isNewEnough(process.versions.node)) {
  require('./run.js');
} else {
  // The variable keeps two Nodes that are both too old from calling each other without end.
  var node = process.env.MILLRACE_NODE ? undefined : ownNode();
  if (node) runWith(node);
  else refuse();
}
