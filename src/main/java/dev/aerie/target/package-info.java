/**
 * The target: a Hugging Face decoder that runs on libtorch.
 *
 * <p>Owns safetensors, config.json, the families and their {@link dev.aerie.target.spec.DecoderSpec}, the engine that executes
 * specs over packed sequences and over a key-value cache, and generation. Must not know drafts, stores, Spark or recipes.
 */
package dev.aerie.target;

