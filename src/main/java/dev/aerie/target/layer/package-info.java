/**
 * The layers of a decoder: attention of each kind, feed-forward parts, norms, rotary tables and the key-value cache.
 *
 * <p>Executes specs; must not depend on families.
 */
package dev.aerie.target.layer;
