/**
 * Speculative decoding with target and draft, and the report of the target's acceptance.
 */
package dev.aerie.evaluate;
