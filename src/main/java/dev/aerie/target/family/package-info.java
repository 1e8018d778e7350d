/**
 * Target families: each turns a Hugging Face config.json into a {@link dev.aerie.target.spec.DecoderSpec}. They are found by
 * ServiceLoader, so that a user's jar can add one.
 *
 * <p>Must not depend on how a layer is computed.
 */
package dev.aerie.target.family;
