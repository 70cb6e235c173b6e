export * from './schema.gen.js'
