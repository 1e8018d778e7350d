/**
 * Decoders as data: config.json, and the specs of layers, attention, feed-forward parts and weights that a family creates from
 * it.
 *
 * <p>Must not depend on families, on where weights are stored, or on how a layer is computed.
 */
package dev.aerie.target.spec;
