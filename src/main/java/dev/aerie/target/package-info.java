/**
 * The target: a Hugging Face decoder that runs on libtorch.
 *
 * <p>This package owns the loaded model: {@link dev.aerie.target.Target}, where its layers reside, the forward pass over packed
 * sequences and over a key-value cache, generation, sampling and verification. Its sub-packages own the rest:
 *
 * <ul>
 *   <li>{@code spec}: a decoder as data, and the reader of config.json
 *   <li>{@code weights}: the tensors of a model folder, dequantised
 *   <li>{@code family}: from a config.json to a spec, one class for each family, found by ServiceLoader
 *   <li>{@code layer}: the execution of one layer's spec
 * </ul>
 *
 * <p>{@code family} and {@code weights} use {@code spec}; {@code layer} uses {@code spec} and {@code weights}; this package
 * combines them. It must not depend on drafts, stores, Spark or recipes.
 */
package dev.aerie.target;

