/**
 * Safetensors files: headers checked before anything is mapped, tensors as views of the mapped file, and a writer.
 *
 * <p>Knows tensors; must not know what a model is.
 */
package dev.aerie.safetensors;
