/**
 * Makes the hidden-state store from conversations, in Spark stages: ingest, quarantine, tokens, plan, the target's forward pass,
 * commit.
 */
package dev.aerie.prepare;
