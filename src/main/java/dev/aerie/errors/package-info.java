/**
 * The two kinds of failure: the user's request cannot be fulfilled ({@link dev.aerie.errors.RefusalException}), and all others.
 *
 * <p>The lowest package; it depends on no other.
 */
package dev.aerie.errors;
