/**
 * Safetensors files: headers that are checked before anything is mapped, tensors as views of the mapped file, and a writer.
 *
 * <p>Uses tensors; must not depend on what a model is.
 */
package dev.aerie.safetensors;
