package dev.aerie.quickstart;

import java.util.List;
import java.util.stream.Stream;

/** Something to talk about: writes a whole conversation. */
@FunctionalInterface
interface Topic {

    /** Turns of user and assistant in alternation, user first, each with its answer. */
    List<String> turns(Draw draw);

    static List<Topic> all() {
        return Stream.of(Sums.TOPICS, Facts.TOPICS, Stories.TOPICS, Guides.TOPICS, Things.TOPICS, Orders.TOPICS,
                Rewrites.TOPICS, Letters.TOPICS).flatMap(List::stream).toList();
    }
}
