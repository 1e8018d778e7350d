/**
 * Speculative decoding with target and draft, and the report of how many tokens the target accepts.
 */
package dev.aerie.evaluate;
