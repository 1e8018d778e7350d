/**
 * Tensors and operators: libtorch, reached through DJL.
 *
 * <p>Owns native memory ({@link dev.aerie.torch.Tensor}, {@link dev.aerie.torch.Scope}), the operators that models are composed
 * from, and the loading of the native library. The operators' bodies are TorchScript sources in the resources of this package;
 * {@link dev.aerie.torch.Script} packs them into an archive and loads it, so that any ATen operator can be used without native
 * code of ours.
 *
 * <p>{@link dev.aerie.torch.NativeCache} belongs to the loading of the library: its folder and lock are needed before a first
 * tensor, and this package knows none that it could ask for them. {@code host} keeps copies of models in the same folder.
 *
 * <p>The only package that uses DJL. It must not depend on models, file formats, Spark or recipes.
 */
package dev.aerie.torch;
