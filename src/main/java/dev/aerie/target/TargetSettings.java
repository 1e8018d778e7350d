package dev.aerie.target;

import dev.aerie.torch.DType;
import java.io.Serializable;

/**
 * Which target is loaded, and how.
 *
 * @param model as every host finds it: an absolute path or a URI
 * @param dtype that it computes in
 * @param residency where its layers are kept; what it computes does not depend on it
 */
public record TargetSettings(String model, DType dtype, Residency residency) implements Serializable {}
