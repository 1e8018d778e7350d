/**
 * Target families: each turns a Hugging Face config.json into a {@link dev.aerie.target.spec.DecoderSpec}. Found by ServiceLoader,
 * so that others may add theirs.
 *
 * <p>Must not know how a layer is computed.
 */
package dev.aerie.target.family;
