/** Jobs that are killed at random moments and must leave what an undisturbed run leaves. */
package dev.aerie.bench.kills;
