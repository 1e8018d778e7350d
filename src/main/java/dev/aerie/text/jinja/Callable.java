package dev.aerie.text.jinja;

import java.util.List;
import java.util.Map;

/** A macro, a function of the environment or a bound method. */
@FunctionalInterface
interface Callable {

    Object call(List<Object> arguments, Map<String, Object> named);
}
