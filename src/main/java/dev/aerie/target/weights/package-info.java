/**
 * The weights of a target as they are stored: single and sharded safetensors files, block-scaled FP8 and MXFP4.
 *
 * <p>Must not depend on families or layers.
 */
package dev.aerie.target.weights;
