package dev.aerie.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The orders were run through SpecForge's GeneralParser. */
class OrderFaultTest {

    @Test
    void cutsWhereSpecForgeCuts() {
        assertEquals("user assistant", cut("user assistant assistant user"));
        assertEquals("user assistant", cut("assistant tool user assistant assistant"));
        assertEquals("system user", cut("system assistant user"));
        assertEquals("user user assistant", cut("user user assistant"));
        assertEquals("user", cut("user tool assistant"));
        assertEquals("user assistant tool tool assistant", cut("user assistant tool tool assistant"));
        assertEquals("user assistant system user assistant", cut("user assistant system user assistant"));
        assertEquals("user system", cut("user system assistant"));
        assertEquals("", cut("assistant"));
    }

    @Test
    void theTemplateSeesRoleContentAndCallsOnly() {
        Message full = new Message("assistant", null, Map.of("tool_calls", List.of("call"), "reasoning_content", "so"));
        assertEquals(List.of(new Message("system", "be"), new Message("user", "a"),
                        new Message("assistant", "", Map.of("tool_calls", List.of("call")))),
                OrderFault.truncated(List.of(new Message("system", "be", Map.of("name", "n")),
                        new Message("user", "a", Map.of("weight", 1L)), full)));
    }

    private static String cut(String roles) {
        return OrderFault.truncated(Arrays.stream(roles.split(" ")).map(role -> new Message(role, "x")).toList()).stream()
                .map(Message::role).collect(Collectors.joining(" "));
    }
}
