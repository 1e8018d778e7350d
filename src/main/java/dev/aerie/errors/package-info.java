/**
 * The two kinds of failure: what the user asked for cannot be ({@link dev.aerie.errors.RefusalException}), and everything else.
 *
 * <p>The lowest package; it knows nothing.
 */
package dev.aerie.errors;
