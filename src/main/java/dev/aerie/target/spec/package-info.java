/**
 * Decoders as data: config.json, and the specs of layers, attention, feed-forward parts and weights that a family makes of it.
 *
 * <p>Must not know which family made a spec, where weights lie, or how a layer is computed.
 */
package dev.aerie.target.spec;
