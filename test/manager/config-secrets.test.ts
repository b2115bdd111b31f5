import { describe, expect, test } from 'vitest'
import { carriesSecret, isSecretKey, maskedValue, wrapSecret } from '../../src/manager/config-secrets.ts'
import { Secret } from '../../src/secret.ts'

describe('which properties are secret by name', () => {
  // The properties of PyIceberg's documentation that hold secrets, and what people add.
  test.each([
    's3.secret-access-key',
    's3.session-token',
    'client.secret-access-key',
    'client.session-token',
    'gcs.oauth2.token',
    'adls.connection-string',
    'adls.account-key',
    'adls.sas-token',
    'adls.client-secret',
    'adls.token',
    'adls.sas-token.account.dfs.core.windows.net',
    'token',
    'credential',
    'auth.basic.password',
    'auth.oauth2.client_secret',
    'header.Authorization',
    'header.X-Api-Key',
    'header.Cookie',
    'ssl.client.key',
    'accountKey',
    'apikey',
    'DB_PASSWORD',
  ])('%s is', (key) => {
    expect(isSecretKey(key)).toBe(true)
    expect(wrapSecret(key, 'hunter2')).toBeInstanceOf(Secret)
    expect(maskedValue(key, 'hunter2')).toBe('***')
  })

  test.each([
    's3.access-key-id',
    'client.access-key-id',
    's3.endpoint',
    's3.region',
    'gcs.project-id',
    'adls.account-name',
    'adls.client-id',
    'adls.tenant-id',
    'type',
    'uri',
    'warehouse',
    'scope',
    'prefix',
    'oauth2-server-uri',
    'rest.signing-name',
    'monkey',
    'disaster',
    'auth.basic.username',
  ])('%s is not', (key) => {
    expect(isSecretKey(key)).toBe(false)
    expect(wrapSecret(key, 'plain')).toBe('plain')
    expect(maskedValue(key, 'plain')).toBe('plain')
  })
})

describe('values that carry a secret whatever their name', () => {
  test.each([
    ['postgresql://user:hunter2@host:5432/db', 'postgresql://user:***@host:5432/db'],
    ['postgresql+psycopg2://user:hunter2@host/db', 'postgresql+psycopg2://user:***@host/db'],
    ['postgresql://user:hunter2/@:x@host/db', 'postgresql://user:***@host/db'],
    ['postgresql://:hunter2@host/db', 'postgresql://:***@host/db'],
    [
      'postgresql://host/db?user=u&password=hunter2&sslmode=require',
      'postgresql://host/db?user=u&password=***&sslmode=require',
    ],
    [
      'https://account.blob.core.windows.net/c?sv=1&sig=hunter2',
      'https://account.blob.core.windows.net/c?sv=1&sig=***',
    ],
    ['https://host/c?access_token=hunter2', 'https://host/c?access_token=***'],
  ])('%s', (uri, shown) => {
    expect(carriesSecret(uri)).toBe(true)
    expect(wrapSecret('uri', uri)).toBeInstanceOf(Secret)
    expect(maskedValue('uri', uri)).toBe(shown)
    expect(maskedValue('uri', new Secret(uri))).toBe(shown)
  })

  test.each([
    'sqlite:////data/catalog.db',
    'sqlite:///rel.db',
    'postgresql://user@host/db',
    'http://localhost:8181',
    's3://bucket/a@b',
    'file:///C:/data/wh',
    'abfss://container@account.dfs.core.windows.net/wh',
  ])('%s carries none', (uri) => {
    expect(carriesSecret(uri)).toBe(false)
    expect(maskedValue('uri', uri)).toBe(uri)
  })
})

test('a reference is shown, and a secret that resembles one is not', () => {
  expect(maskedValue('token', 'env:THE_TOKEN')).toBe('env:THE_TOKEN')
  expect(maskedValue('token', 'file:/secrets/token')).toBe('file:/secrets/token')
  expect(maskedValue('token', 'env:THE TOKEN')).toBe('***')
  expect(maskedValue('token', 'environment')).toBe('***')
})
