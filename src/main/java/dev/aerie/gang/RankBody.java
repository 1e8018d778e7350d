package dev.aerie.gang;

import java.io.Serializable;

/**
 * What each rank does. It is sent to the executors, so what it holds is serializable. A later attempt runs it again from the
 * start: a body that can resume finds for itself where.
 *
 * <p>An {@link IllegalArgumentException} says that the input is wrong, and is not retried unless an I/O error is behind it;
 * anything else is.
 */
@FunctionalInterface
public interface RankBody<R extends Serializable> extends Serializable {

    R run(RankContext context) throws Exception;
}
