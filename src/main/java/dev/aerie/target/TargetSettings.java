package dev.aerie.target;

import dev.aerie.torch.DType;
import java.io.Serializable;

/**
 * The target to load, and how to load it.
 *
 * @param model an absolute path or a URI that every host can read
 * @param dtype the compute type
 * @param residency where layers are kept; results do not depend on it
 */
public record TargetSettings(String model, DType dtype, Residency residency) implements Serializable {}
