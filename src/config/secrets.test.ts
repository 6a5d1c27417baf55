// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the syntax under test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasSecret, isSecretKey, withoutSecrets } from './secrets.ts';

test('keys of secrets are told from keys that say where a secret is', () => {
  for (const key of ['a.keystore-password', 'x.consumerSecret', 'x.accessToken', 'db.password']) {
    assert.ok(isSecretKey(key), key);
  }
  for (const key of ['passwordFile', 'a.secret-file', 'keys', 'type', 'keyStorePasswordFile']) {
    assert.ok(!isSecretKey(key), key);
  }
});

test('a value has a secret unless it is a reference to one', () => {
  assert.ok(hasSecret('password', 'hunter2'));
  assert.ok(!hasSecret('password', '${env:PASSWORD}'));
  assert.ok(hasSecret('url', 'amqp://me:hunter2@host/x'));
  assert.ok(!hasSecret('url', 'amqp://me:${env:P}@host/x'));
  assert.ok(!hasSecret('url', 'hdfs://host:8020/x'));
  assert.ok(hasSecret('jaas.config', 'module required username="a" password="hunter2";'));
  assert.ok(!hasSecret('key', 'key'));
});

test('a line is shown without its secrets', () => {
  assert.equal(withoutSecrets('a.password = hunter2'), 'a.password = ***');
  assert.equal(withoutSecrets('a.password:hunter2'), 'a.password: ***');
  assert.equal(withoutSecrets('a.url = x://me:hunter2@h'), 'a.url = x://me:***@h');
  assert.equal(withoutSecrets('a.c = x password="hunter2";'), 'a.c = x password=***;');
  assert.equal(withoutSecrets('a.capacity = 100'), 'a.capacity = 100');
  assert.equal(withoutSecrets('# a comment'), '# a comment');
});
