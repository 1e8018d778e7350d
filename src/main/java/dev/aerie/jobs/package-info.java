/** The main classes: the only package that reads a recipe and wires objects together. */
package dev.aerie.jobs;
