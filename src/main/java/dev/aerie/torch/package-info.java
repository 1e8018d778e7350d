/**
 * Tensors and operators: libtorch, reached through DJL.
 *
 * <p>Owns native memory ({@link dev.aerie.torch.Tensor}, {@link dev.aerie.torch.Scope}), the operators that models are
 * composed from, and the loading of the native library. The bodies of the operators are TorchScript source beside this
 * package's classes in the resources; {@link dev.aerie.torch.Script} packs them into an archive and loads it, which makes any
 * ATen operator reachable without native code of ours.
 *
 * <p>The only package that knows DJL. It must not know models, files formats, Spark or recipes.
 */
package dev.aerie.torch;
