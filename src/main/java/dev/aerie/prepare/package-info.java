/**
 * From conversations to the hidden-state store, as Spark stages: ingest, quarantine, tokens, plan, target forward, commit.
 */
package dev.aerie.prepare;
